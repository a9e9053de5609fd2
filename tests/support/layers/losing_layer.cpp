// A Vulkan layer whose devices get lost on demand. The file $FERRY_LOSE_FILE says at which call ("vkWaitSemaphores"): the next
// one removes the file and fails with VK_ERROR_DEVICE_LOST, and so does, for good, every call of that device that may by the
// specification, and vkAllocateMemory, which drivers let fail, too.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

std::mutex mutex;
std::set<void*> lost;  // key_of()

/// Whether the device is to be lost at this call. Nobody else's call has the same name and takes the file first.
bool is_the_call(const char* file, std::string_view name) {
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  char wanted[64];
  const ssize_t length = read(fd, wanted, sizeof wanted);
  close(fd);
  return length > 0 && std::string_view(wanted, static_cast<std::size_t>(length)) == name && unlink(file) == 0;
}

/// @p handle: a device or its queue.
bool is_lost(const void* handle, std::string_view name) {
  const char* file = std::getenv("FERRY_LOSE_FILE");
  const std::lock_guard lock(mutex);
  if (!lost.contains(key_of(handle)) && file != nullptr && is_the_call(file, name)) lost.insert(key_of(handle));
  return lost.contains(key_of(handle));
}

VkResult VKAPI_CALL queue_submit(VkQueue queue, std::uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  if (is_lost(queue, "vkQueueSubmit")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkQueueSubmit>(queue, "vkQueueSubmit")(queue, count, infos, fence);
}

/// vkQueueSubmit2, by whichever name the application calls it.
template <bool kIsKhr>
VkResult VKAPI_CALL queue_submit2(VkQueue queue, std::uint32_t count, const VkSubmitInfo2* infos, VkFence fence) {
  if (is_lost(queue, "vkQueueSubmit2")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkQueueSubmit2>(queue, kIsKhr ? "vkQueueSubmit2KHR" : "vkQueueSubmit2")(queue, count, infos, fence);
}

VkResult VKAPI_CALL device_wait_idle(VkDevice device) {
  if (is_lost(device, "vkDeviceWaitIdle")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkDeviceWaitIdle>(device, "vkDeviceWaitIdle")(device);
}

VkResult VKAPI_CALL queue_wait_idle(VkQueue queue) {
  if (is_lost(queue, "vkQueueWaitIdle")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkQueueWaitIdle>(queue, "vkQueueWaitIdle")(queue);
}

VkResult VKAPI_CALL fence_status(VkDevice device, VkFence fence) {
  if (is_lost(device, "vkGetFenceStatus")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkGetFenceStatus>(device, "vkGetFenceStatus")(device, fence);
}

VkResult VKAPI_CALL wait_for_fences(VkDevice device, std::uint32_t count, const VkFence* fences, VkBool32 all,
                                    std::uint64_t timeout) {
  if (is_lost(device, "vkWaitForFences")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkWaitForFences>(device, "vkWaitForFences")(device, count, fences, all, timeout);
}

VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo* info, std::uint64_t timeout) {
  if (is_lost(device, "vkWaitSemaphores")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkWaitSemaphores>(device, "vkWaitSemaphores")(device, info, timeout);
}

VkResult VKAPI_CALL counter_value(VkDevice device, VkSemaphore semaphore, std::uint64_t* value) {
  if (is_lost(device, "vkGetSemaphoreCounterValue")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkGetSemaphoreCounterValue>(device, "vkGetSemaphoreCounterValue")(device, semaphore, value);
}

VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                    const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  if (is_lost(device, "vkAllocateMemory")) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkAllocateMemory>(device, "vkAllocateMemory")(device, info, allocator, memory);
}

/// The next device may get the same dispatch table.
void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
  if (device == VK_NULL_HANDLE) return;
  {
    const std::lock_guard lock(mutex);
    lost.erase(key_of(device));
  }
  next_of<PFN_vkDestroyDevice>(device, "vkDestroyDevice")(device, allocator);
}

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  const std::pair<const char*, PFN_vkVoidFunction> all[] = {
      {"vkDestroyDevice", reinterpret_cast<PFN_vkVoidFunction>(&destroy_device)},
      {"vkQueueSubmit", reinterpret_cast<PFN_vkVoidFunction>(&queue_submit)},
      {"vkQueueSubmit2", reinterpret_cast<PFN_vkVoidFunction>(&queue_submit2<false>)},
      {"vkQueueSubmit2KHR", reinterpret_cast<PFN_vkVoidFunction>(&queue_submit2<true>)},
      {"vkDeviceWaitIdle", reinterpret_cast<PFN_vkVoidFunction>(&device_wait_idle)},
      {"vkQueueWaitIdle", reinterpret_cast<PFN_vkVoidFunction>(&queue_wait_idle)},
      {"vkGetFenceStatus", reinterpret_cast<PFN_vkVoidFunction>(&fence_status)},
      {"vkWaitForFences", reinterpret_cast<PFN_vkVoidFunction>(&wait_for_fences)},
      {"vkWaitSemaphores", reinterpret_cast<PFN_vkVoidFunction>(&wait_semaphores)},
      {"vkGetSemaphoreCounterValue", reinterpret_cast<PFN_vkVoidFunction>(&counter_value)},
      {"vkAllocateMemory", reinterpret_cast<PFN_vkVoidFunction>(&allocate_memory)}};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace ferry::test::layer
