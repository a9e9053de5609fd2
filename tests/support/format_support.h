#pragma once
// Whether a device has images of a format, asked of the driver itself: what Ferry makes of its answer is under test.

#include <fmt/format.h>
#include <vulkan/vulkan_core.h>

#include <array>
#include <string>

#include "proto/format.h"

namespace ferry::test {

/// Why @p device cannot share images of @p format by @p handle_type (a dma-buf: as LINEAR); "" where it can.
inline std::string lack_of(PFN_vkGetPhysicalDeviceImageFormatProperties2 query, VkPhysicalDevice device,
                           const proto::FormatInfo& format, VkExternalMemoryHandleTypeFlagBits handle_type) {
  std::array<VkFormat, 1 + proto::kMaxFormatPlanes> views{static_cast<VkFormat>(format.vk_format)};
  VkImageFormatListCreateInfo list{};
  list.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_LIST_CREATE_INFO;
  list.viewFormatCount = 1;
  list.pViewFormats = views.data();
  const bool is_dma_buf = handle_type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
  for (std::size_t i = 0; is_dma_buf && format.is_yuv() && i < format.plane_count; ++i)
    views[list.viewFormatCount++] = static_cast<VkFormat>(format.planes[i].vk_format);
  VkPhysicalDeviceImageDrmFormatModifierInfoEXT linear{};
  linear.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT;
  linear.pNext = &list;
  VkPhysicalDeviceExternalImageFormatInfo external{};
  external.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO;
  external.pNext = is_dma_buf ? &linear : nullptr;
  external.handleType = handle_type;
  VkPhysicalDeviceImageFormatInfo2 info{};
  info.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2;
  info.pNext = &external;
  info.format = views[0];
  info.type = VK_IMAGE_TYPE_2D;
  info.tiling = is_dma_buf ? VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT : VK_IMAGE_TILING_OPTIMAL;
  info.usage = VK_IMAGE_USAGE_SAMPLED_BIT | VK_IMAGE_USAGE_TRANSFER_SRC_BIT | VK_IMAGE_USAGE_TRANSFER_DST_BIT;
  if (format.is_yuv()) info.flags = VK_IMAGE_CREATE_MUTABLE_FORMAT_BIT;
  VkExternalImageFormatProperties shared{};
  shared.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES;
  VkImageFormatProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2;
  properties.pNext = &shared;
  const VkResult result = query(device, &info, &properties);
  if (result != VK_SUCCESS)
    return fmt::format("the driver has no {}{}: vkGetPhysicalDeviceImageFormatProperties2 says {}", format.name,
                       is_dma_buf ? " in LINEAR dma-bufs" : "", static_cast<int>(result));
  if ((shared.externalMemoryProperties.externalMemoryFeatures & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) == 0)
    return fmt::format("the driver exports no {}", format.name);
  return {};
}

}  // namespace ferry::test
