#pragma once
// What every Vulkan layer of the tests' does alike: to be a link of the loader's chain, and to find the next one.

#include <vulkan/vulkan_core.h>

namespace ferry::test::layer {

/// Each layer's own functions; nullptr: those of the next link.
PFN_vkVoidFunction ours(const char* name);

/// Functions that a device has through the layer, if not by itself. Of most layers none.
bool gives(const char* name);

/// What a device, its queues and its command buffers begin with alike.
inline void* key_of(const void* handle) { return *static_cast<void* const*>(handle); }

/// The next link's function. @p handle: a device, one of its queues or command buffers.
PFN_vkVoidFunction next_function(const void* handle, const char* name);

template <class Pfn>
Pfn next_of(const void* handle, const char* name) {
  return reinterpret_cast<Pfn>(next_function(handle, name));
}

/// The same of an instance or one of its physical devices.
PFN_vkVoidFunction next_function_of_instance(const void* handle, const char* name);

template <class Pfn>
Pfn next_of_instance(const void* handle, const char* name) {
  return reinterpret_cast<Pfn>(next_function_of_instance(handle, name));
}

/// What a layer that has these among its own goes on to.
VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* create, const VkAllocationCallbacks* allocator,
                                    VkInstance* instance);
VkResult VKAPI_CALL create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* create,
                                  const VkAllocationCallbacks* allocator, VkDevice* device);

}  // namespace ferry::test::layer
