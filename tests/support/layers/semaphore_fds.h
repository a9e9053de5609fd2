#pragma once
// VK_KHR_external_semaphore_fd for devices whose driver does not have it: what layers that share semaphores begin with.

#include <vulkan/vulkan_core.h>

#include <cstdint>

namespace ferry::test::layer {

/// The struct of that type in a pNext chain, or nullptr.
template <class Info>
const Info* find(const void* chain, VkStructureType type) {
  auto* next = static_cast<const VkBaseInStructure*>(chain);
  while (next != nullptr && next->sType != type) next = next->pNext;
  return reinterpret_cast<const Info*>(next);
}

/// For vkEnumerateDeviceExtensionProperties: the driver's, and that one.
VkResult VKAPI_CALL extensions_with_semaphore_fds(VkPhysicalDevice device, const char* layer_name, std::uint32_t* count,
                                                  VkExtensionProperties* properties);
/// For vkCreateDevice: without the extension where the driver does not have it.
VkResult VKAPI_CALL create_device_with_semaphore_fds(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                                     const VkAllocationCallbacks* allocator, VkDevice* device);

}  // namespace ferry::test::layer
