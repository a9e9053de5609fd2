#pragma once
// In which DRM format modifiers a physical device can share images as dma-bufs.

#include "platform/vulkan/device.h"
#include "platform/vulkan/dispatch.h"

namespace ferry::platform {

struct DrmModifiers {
  std::vector<FormatModifier> list;
  std::string reason;  ///< why no dma-buf can cross; empty when one can
};
/// Asked by feature bits, modifier by modifier: drivers list extensions of which they can do half.
DrmModifiers query_drm_modifiers(const InstanceDispatch& vki, VkPhysicalDevice physical_device,
                                 const std::vector<VkExtensionProperties>& extensions, const std::string& driver);

/// nullptr when it is not in @p list.
const FormatModifier* find_modifier(const std::vector<FormatModifier>& list, proto::Format format,
                                    std::uint64_t modifier);

}  // namespace ferry::platform
