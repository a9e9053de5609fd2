// A Vulkan layer whose devices get lost on demand: once the file $FERRY_LOSE_FILE exists, the next submission to a queue
// removes it, fails with VK_ERROR_DEVICE_LOST, and so does every call of that device that can, for good.

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <utility>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

std::mutex mutex;
std::set<void*> lost;  // key_of()

bool is_lost(const void* handle, bool submits) {
  const char* file = std::getenv("FERRY_LOSE_FILE");
  const std::lock_guard lock(mutex);
  if (submits && !lost.contains(key_of(handle)) && file != nullptr && unlink(file) == 0) lost.insert(key_of(handle));
  return lost.contains(key_of(handle));
}

VkResult VKAPI_CALL queue_submit(VkQueue queue, std::uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  if (is_lost(queue, true)) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkQueueSubmit>(queue, "vkQueueSubmit")(queue, count, infos, fence);
}

VkResult VKAPI_CALL wait_for_fences(VkDevice device, std::uint32_t count, const VkFence* fences, VkBool32 all,
                                    std::uint64_t timeout) {
  if (is_lost(device, false)) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkWaitForFences>(device, "vkWaitForFences")(device, count, fences, all, timeout);
}

VkResult VKAPI_CALL wait_semaphores(VkDevice device, const VkSemaphoreWaitInfo* info, std::uint64_t timeout) {
  if (is_lost(device, false)) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkWaitSemaphores>(device, "vkWaitSemaphores")(device, info, timeout);
}

VkResult VKAPI_CALL counter_value(VkDevice device, VkSemaphore semaphore, std::uint64_t* value) {
  if (is_lost(device, false)) return VK_ERROR_DEVICE_LOST;
  return next_of<PFN_vkGetSemaphoreCounterValue>(device, "vkGetSemaphoreCounterValue")(device, semaphore, value);
}

VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                    const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  if (is_lost(device, false)) return VK_ERROR_DEVICE_LOST;
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
      {"vkWaitForFences", reinterpret_cast<PFN_vkVoidFunction>(&wait_for_fences)},
      {"vkWaitSemaphores", reinterpret_cast<PFN_vkVoidFunction>(&wait_semaphores)},
      {"vkGetSemaphoreCounterValue", reinterpret_cast<PFN_vkVoidFunction>(&counter_value)},
      {"vkAllocateMemory", reinterpret_cast<PFN_vkVoidFunction>(&allocate_memory)}};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace ferry::test::layer
