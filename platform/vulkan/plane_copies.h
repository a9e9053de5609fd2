#pragma once
// The whole of a slot's image, and a buffer with its planes one after the other.

#include <vulkan/vulkan_core.h>

#include <array>

#include "platform/texture.h"

namespace ferry::platform {

struct PlaneCopies {
  std::array<VkBufferImageCopy, proto::kMaxFormatPlanes> regions{};
  std::uint32_t count = 0;
};

/// @p row_pitch_bytes: from one row to the next in every plane, a multiple of each one's texel; 0: without padding.
inline PlaneCopies plane_copies(const TextureDesc& desc, std::uint64_t row_pitch_bytes) {
  const auto& format = proto::format_info(desc.format);
  PlaneCopies copies;
  VkDeviceSize offset_bytes = 0;
  for (std::uint32_t i = 0; i < format.plane_count; ++i) {
    const proto::PlaneInfo& plane = format.planes[i];
    VkBufferImageCopy& region = copies.regions[copies.count++];
    region.bufferOffset = offset_bytes;
    region.bufferRowLength = static_cast<std::uint32_t>(row_pitch_bytes / plane.texel_bytes);
    region.imageSubresource.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT;
    if (format.is_yuv()) region.imageSubresource.aspectMask = VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_0_BIT} << i;
    region.imageSubresource.layerCount = 1;
    region.imageExtent = {desc.width_px / plane.divisor, desc.height_px / plane.divisor, 1};
    const std::uint64_t pitch_bytes = row_pitch_bytes != 0 ? row_pitch_bytes : format.row_bytes(i, desc.width_px);
    offset_bytes += pitch_bytes * format.rows(i, desc.height_px);
  }
  return copies;
}

}  // namespace ferry::platform
