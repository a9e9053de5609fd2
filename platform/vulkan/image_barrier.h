#pragma once
// Barriers over a slot's whole image: one colour aspect, one level, one layer.

#include <vulkan/vulkan_core.h>

namespace ferry::platform {

inline constexpr VkImageSubresourceRange kWholeImage{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

/// From one layout to the other. The caller adds access masks, and queue families where ownership moves.
inline VkImageMemoryBarrier image_barrier(VkImage image, VkImageLayout from, VkImageLayout to) {
  VkImageMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
  barrier.oldLayout = from;
  barrier.newLayout = to;
  barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.image = image;
  barrier.subresourceRange = kWholeImage;
  return barrier;
}

}  // namespace ferry::platform
