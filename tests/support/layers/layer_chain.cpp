#include "tests/support/layers/layer_chain.h"

#include <vulkan/vk_layer.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

namespace ferry::test::layer {
namespace {

struct Device {
  VkDevice handle = VK_NULL_HANDLE;
  PFN_vkGetDeviceProcAddr get = nullptr;
};

struct Instance {
  VkInstance handle = VK_NULL_HANDLE;
  PFN_vkGetInstanceProcAddr get = nullptr;
  /// What layers replace, asked for while the instance is made: the last link of loaders before 1.3.242 answers later
  /// questions with the first.
  std::map<std::string_view, PFN_vkVoidFunction> functions = {};
};
constexpr std::string_view kReplaced[] = {"vkEnumeratePhysicalDevices", "vkEnumerateDeviceExtensionProperties",
                                          "vkGetPhysicalDeviceImageFormatProperties2", "vkGetPhysicalDeviceProperties2",
                                          "vkGetPhysicalDeviceExternalSemaphoreProperties"};

std::mutex mutex;
std::map<void*, Instance> instances;  // by key_of()
std::map<void*, Device> devices;

/// This layer's link of the loader's chain.
template <class Info, class CreateInfo>
Info* find_link(const CreateInfo* create, VkStructureType type) {
  auto* info = static_cast<Info*>(const_cast<void*>(create->pNext));
  while (info != nullptr && !(info->sType == type && info->function == VK_LAYER_LINK_INFO))
    info = static_cast<Info*>(const_cast<void*>(info->pNext));
  return info;
}

}  // namespace

__attribute__((weak)) bool gives(const char*) { return false; }

VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* create, const VkAllocationCallbacks* allocator,
                                    VkInstance* instance) {
  auto* link = find_link<VkLayerInstanceCreateInfo>(create, VK_STRUCTURE_TYPE_LOADER_INSTANCE_CREATE_INFO);
  if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
  const auto next = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto make = reinterpret_cast<PFN_vkCreateInstance>(next(VK_NULL_HANDLE, "vkCreateInstance"));
  const VkResult result = make(create, allocator, instance);
  const std::lock_guard lock(mutex);
  if (result != VK_SUCCESS) return result;
  Instance made{*instance, next};
  for (const std::string_view name : kReplaced) made.functions[name] = next(*instance, name.data());
  instances[key_of(*instance)] = std::move(made);
  return result;
}

VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* create,
                                  const VkAllocationCallbacks* allocator, VkDevice* device) {
  auto* link = find_link<VkLayerDeviceCreateInfo>(create, VK_STRUCTURE_TYPE_LOADER_DEVICE_CREATE_INFO);
  if (link == nullptr) return VK_ERROR_INITIALIZATION_FAILED;
  const auto next_instance = link->u.pLayerInfo->pfnNextGetInstanceProcAddr;
  const auto next_device = link->u.pLayerInfo->pfnNextGetDeviceProcAddr;
  link->u.pLayerInfo = link->u.pLayerInfo->pNext;
  const auto make = reinterpret_cast<PFN_vkCreateDevice>(next_instance(VK_NULL_HANDLE, "vkCreateDevice"));
  const VkResult result = make(physical, create, allocator, device);
  const std::lock_guard lock(mutex);
  if (result == VK_SUCCESS) devices[key_of(*device)] = {*device, next_device};
  return result;
}

PFN_vkVoidFunction next_function_of_instance(const void* handle, const char* name) {
  const std::lock_guard lock(mutex);
  const Instance& instance = instances[key_of(handle)];
  const auto known = instance.functions.find(name);
  return known != instance.functions.end() ? known->second : instance.get(instance.handle, name);
}

PFN_vkVoidFunction next_function(const void* handle, const char* name) {
  Device device;
  {
    const std::lock_guard lock(mutex);
    device = devices[key_of(handle)];
  }
  return device.get(device.handle, name);
}

}  // namespace ferry::test::layer

// What the manifest (layer.json.in) names.
extern "C" {

__attribute__((visibility("default"))) PFN_vkVoidFunction VKAPI_CALL ferry_layer_GetDeviceProcAddr(VkDevice device,
                                                                                                  const char* name) {
  using namespace ferry::test::layer;
  if (std::strcmp(name, "vkGetDeviceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_layer_GetDeviceProcAddr);
  const PFN_vkVoidFunction next = next_function(device, name);
  const PFN_vkVoidFunction own = next == nullptr && !gives(name) ? nullptr : ours(name);
  return own != nullptr ? own : next;
}

__attribute__((visibility("default"))) PFN_vkVoidFunction VKAPI_CALL ferry_layer_GetInstanceProcAddr(VkInstance instance,
                                                                                                    const char* name) {
  using namespace ferry::test::layer;
  if (std::strcmp(name, "vkGetInstanceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_layer_GetInstanceProcAddr);
  if (std::strcmp(name, "vkGetDeviceProcAddr") == 0)
    return reinterpret_cast<PFN_vkVoidFunction>(&ferry_layer_GetDeviceProcAddr);
  if (const auto own = ours(name)) return own;
  if (std::strcmp(name, "vkCreateInstance") == 0) return reinterpret_cast<PFN_vkVoidFunction>(&create_instance);
  if (std::strcmp(name, "vkCreateDevice") == 0) return reinterpret_cast<PFN_vkVoidFunction>(&create_device);
  return instance == VK_NULL_HANDLE ? nullptr : next_function_of_instance(instance, name);
}

}  // extern "C"
