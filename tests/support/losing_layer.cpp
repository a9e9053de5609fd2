// A Vulkan layer whose devices get lost on demand: once the file $FERRY_LOSE_FILE exists, the next submission to a queue
// removes it, fails with VK_ERROR_DEVICE_LOST, and so does every call of that device that can, for good.

#include <unistd.h>
#include <vulkan/vk_layer.h>
#include <vulkan/vulkan_core.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

namespace {

struct Device {
  VkDevice handle = VK_NULL_HANDLE;
  PFN_vkGetDeviceProcAddr get = nullptr;
  bool lost = false;
};

std::mutex mutex;
std::map<void*, PFN_vkGetInstanceProcAddr> instances;  // by dispatch table: what all objects of one parent begin with
std::map<void*, Device> devices;

void* key_of(const void* handle) { return *static_cast<void* const*>(handle); }

PFN_vkGetInstanceProcAddr next_of(VkInstance instance) {
  const std::lock_guard lock(mutex);
  return instances[key_of(instance)];
}

/// @p handle: a device or one of its queues.
template <class Pfn>
Pfn next_of(const void* handle, const char* name) {
  Device device;
  {
    const std::lock_guard lock(mutex);
    device = devices[key_of(handle)];
  }
  return reinterpret_cast<Pfn>(device.get(device.handle, name));
}

bool is_lost(const void* handle, bool submits) {
  const char* file = std::getenv("FERRY_LOSE_FILE");
  const std::lock_guard lock(mutex);
  Device& device = devices[key_of(handle)];
  if (submits && !device.lost && file != nullptr && unlink(file) == 0) device.lost = true;
  return device.lost;
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

/// The next layer's part of the loader's chain, taken off it.
template <class Info, class CreateInfo>
Info* take_link(const CreateInfo* create, VkStructureType type) {
  auto* info = static_cast<Info*>(const_cast<void*>(create->pNext));
  while (info != nullptr && !(info->sType == type && info->function == VK_LAYER_LINK_INFO))
    info = static_cast<Info*>(const_cast<void*>(info->pNext));
  return info;
}

VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* create, const VkAllocationCallbacks* allocator,
                                    VkInstance* instance) {
  auto* link = take_link<VkLayerInstanceCreateInfo>(create, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
  const auto next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto make = reinterpret_cast<PFN_vkCreateInstance>(next(VK_NULL_HANDLE, "vkCreateInstance"));
  const VkResult result = make(create, allocator, instance);
  const std::lock_guard lock(mutex);
  if (result == VK_SUCCESS) instances[key_of(*instance)] = next;
  return result;
}

VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* create,
                                  const VkAllocationCallbacks* allocator, VkDevice* device) {
  auto* link = take_link<VkLayerDeviceCreateInfo>(create, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
  const auto next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  const auto next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto make = reinterpret_cast<PFN_vkCreateDevice>(next_instance(VK_NULL_HANDLE, "vkCreateDevice"));
  const VkResult result = make(physical, create, allocator, device);
  const std::lock_guard lock(mutex);
  if (result == VK_SUCCESS) devices[key_of(*device)] = {*device, next_device, false};
  return result;
}

PFN_vkVoidFunction ours(const char* name) {
  const std::pair<const char*, PFN_vkVoidFunction> all[] = {
      {"vkCreateInstance", reinterpret_cast<PFN_vkVoidFunction>(&create_instance)},
      {"vkCreateDevice", reinterpret_cast<PFN_vkVoidFunction>(&create_device)},
      {"vkQueueSubmit", reinterpret_cast<PFN_vkVoidFunction>(&queue_submit)},
      {"vkWaitForFences", reinterpret_cast<PFN_vkVoidFunction>(&wait_for_fences)},
      {"vkWaitSemaphores", reinterpret_cast<PFN_vkVoidFunction>(&wait_semaphores)},
      {"vkGetSemaphoreCounterValue", reinterpret_cast<PFN_vkVoidFunction>(&counter_value)},
      {"vkAllocateMemory", reinterpret_cast<PFN_vkVoidFunction>(&allocate_memory)}};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace

extern "C" {

__attribute__((visibility("default"))) PFN_vkVoidFunction VKAPI_CALL ferry_losing_GetDeviceProcAddr(VkDevice device,
                                                                                                   const char* name) {
  if (std::strcmp(name, "vkGetDeviceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_losing_GetDeviceProcAddr);
  if (const auto function = ours(name)) return function;
  return next_of<PFN_vkVoidFunction>(device, name);
}

__attribute__((visibility("default"))) PFN_vkVoidFunction VKAPI_CALL
ferry_losing_GetInstanceProcAddr(VkInstance instance, const char* name) {
  if (std::strcmp(name, "vkGetInstanceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_losing_GetInstanceProcAddr);
  if (std::strcmp(name, "vkGetDeviceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_losing_GetDeviceProcAddr);
  if (const auto function = ours(name)) return function;
  return instance == VK_NULL_HANDLE ? nullptr : next_of(instance)(instance, name);
}

}  // extern "C"
