// A Vulkan layer under which a driver has the UUID of another one: two processes on one driver are then as on two, to Ferry.

#include <cstring>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

void VKAPI_CALL get_properties(VkPhysicalDevice device, VkPhysicalDeviceProperties2* properties) {
  constexpr const char* kName = "vkGetPhysicalDeviceProperties2";
  next_of_instance<PFN_vkGetPhysicalDeviceProperties2>(device, kName)(device, properties);
  for (auto* part = static_cast<VkBaseOutStructure*>(properties->pNext); part != nullptr; part = part->pNext) {
    if (part->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES)
      reinterpret_cast<VkPhysicalDeviceIDProperties*>(part)->driverUUID[0] ^= 0xff;
    if (part->sType == VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES)
      reinterpret_cast<VkPhysicalDeviceVulkan11Properties*>(part)->driverUUID[0] ^= 0xff;
  }
}

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  if (std::strcmp(name, "vkGetPhysicalDeviceProperties2") != 0) return nullptr;
  return reinterpret_cast<PFN_vkVoidFunction>(&get_properties);
}

}  // namespace ferry::test::layer
