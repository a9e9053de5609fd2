#pragma once
// The parameters of a slot's image that a query and a creation share, with the list of formats that views may have.

#include <vulkan/vulkan_core.h>

#include <array>

#include "proto/format.h"
#include "proto/usage.h"

namespace ferry::platform {

inline VkImageUsageFlags vk_usage(std::uint32_t usage) {
  VkImageUsageFlags flags = 0;
  usage |= proto::kUsageAlways;
  if (usage & proto::kUsageRender) flags |= VK_IMAGE_USAGE_COLOR_ATTACHMENT_BIT;
  if (usage & proto::kUsageSample) flags |= VK_IMAGE_USAGE_SAMPLED_BIT;
  if (usage & proto::kUsageStorage) flags |= VK_IMAGE_USAGE_STORAGE_BIT;
  if (usage & proto::kUsageTransferSrc) flags |= VK_IMAGE_USAGE_TRANSFER_SRC_BIT;
  if (usage & proto::kUsageTransferDst) flags |= VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  return flags;
}

struct ImageParameters {
  /// @p usage_bits: proto::UsageBits; @p image_flags: proto::ImageFlagBits.
  ImageParameters(const proto::FormatInfo& info, VkImageTiling tiling, std::uint32_t usage_bits,
                  std::uint32_t image_flags)
      : usage(vk_usage(usage_bits)) {
    format_list.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO;
    format_list.pViewFormats = formats.data();
    add(info.vk_format);
    if (image_flags & proto::kImageSrgbViews) add(info.vk_srgb_sibling);
    if (!info.is_yuv()) return;
    for (std::size_t i = 0; i < info.plane_count; ++i) add(info.planes[i].vk_format);
    // No multi-planar format is a storage image itself; views of its planes are.
    if (usage_bits & proto::kUsageStorage) flags |= VK_IMAGE_CREATE_EXTENDED_USAGE_BIT;
    // Until Vulkan 1.4 the formats of planes were none that such a list may have; one with modifiers needs it all the same.
    if (tiling != VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT) format_list.viewFormatCount = 0;
  }
  ImageParameters(const ImageParameters&) = delete;
  ImageParameters& operator=(const ImageParameters&) = delete;

  VkFormat format() const { return formats[0]; }

  std::array<VkFormat, 1 + proto::kMaxFormatPlanes> formats{};
  VkImageUsageFlags usage = 0;
  VkImageCreateFlags flags = 0;
  VkImageFormatListCreateInfo format_list{};

 private:
  void add(std::uint32_t view_format) {
    formats[format_list.viewFormatCount++] = static_cast<VkFormat>(view_format);
    if (format_list.viewFormatCount > 1) flags |= VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT;
  }
};

}  // namespace ferry::platform
