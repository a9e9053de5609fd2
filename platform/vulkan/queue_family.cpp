#include "platform/vulkan/queue_family.h"

#include <fmt/format.h>

#include <vector>

namespace ferry::platform {

namespace {

std::vector<VkQueueFamilyProperties> families_of(const InstanceDispatch& vki, VkPhysicalDevice device) {
  std::uint32_t count = 0;
  vki.GetPhysicalDeviceQueueFamilyProperties(device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  vki.GetPhysicalDeviceQueueFamilyProperties(device, &count, families.data());
  return families;
}

}  // namespace

proto::Result<std::uint32_t> choose_queue_family(const InstanceDispatch& vki, VkPhysicalDevice device,
                                                 const std::string& name) {
  const auto families = families_of(vki, device);
  for (const VkQueueFlagBits wanted : {VK_QUEUE_GRAPHICS_BIT, VK_QUEUE_COMPUTE_BIT})
    for (std::uint32_t i = 0; i < families.size(); ++i)
      if (families[i].queueCount > 0 && (families[i].queueFlags & wanted)) return i;
  return proto::Error{proto::ErrorCode::kUnsupported,
                      fmt::format("device '{}' has no queue for graphics or compute", name)};
}

std::uint32_t queues_of(const InstanceDispatch& vki, VkPhysicalDevice device, std::uint32_t family) {
  return families_of(vki, device)[family].queueCount;
}

}  // namespace ferry::platform
