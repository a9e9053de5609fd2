/* The two barriers of the hand-over contract, filled in. Plain data: nothing here calls Vulkan. */
#ifndef FERRY_FERRY_VULKAN_H
#define FERRY_FERRY_VULKAN_H

#include <vulkan/vulkan_core.h>

/* Takes an image over from the other process: record it before the first use, with srcStageMask equal to the stage at
 * which the submission waits for the frame's semaphores. @layout: what you want to use it in;
 * @access: your first access. A producer that overwrites everything may set oldLayout to UNDEFINED afterwards. */
static inline VkImageMemoryBarrier ferry_acquire_barrier(VkImage image, uint32_t queue_family_index,
                                                         VkImageLayout layout, VkAccessFlags access) {
  VkImageMemoryBarrier b;
  b.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
  b.pNext = 0;
  b.srcAccessMask = 0;
  b.dstAccessMask = access;
  b.oldLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
  b.newLayout = layout;
  b.srcQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  b.dstQueueFamilyIndex = queue_family_index;
  b.image = image;
  b.subresourceRange.aspectMask = VK_IMAGE_ASPECT_COLOR_BIT;
  b.subresourceRange.baseMipLevel = 0;
  b.subresourceRange.levelCount = 1;
  b.subresourceRange.baseArrayLayer = 0;
  b.subresourceRange.layerCount = 1;
  return b;
}

/* Hands an image back to the other process: record it after the last use, before the submission's signal. @layout: what
 * it is in; @access: your last access. */
static inline VkImageMemoryBarrier ferry_release_barrier(VkImage image, uint32_t queue_family_index,
                                                         VkImageLayout layout, VkAccessFlags access) {
  VkImageMemoryBarrier b = ferry_acquire_barrier(image, queue_family_index, layout, 0);
  b.srcAccessMask = access;
  b.oldLayout = layout;
  b.newLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
  b.srcQueueFamilyIndex = queue_family_index;
  b.dstQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  return b;
}

/* The same between a target or frame and your queue, whoever is on the other side: @peer_queue_family is theirs
 * (ferry_target, ferry_frame). */
static inline VkImageMemoryBarrier ferry_acquire_barrier_from(uint32_t peer_queue_family, VkImage image,
                                                              uint32_t queue_family_index, VkImageLayout layout,
                                                              VkAccessFlags access) {
  VkImageMemoryBarrier b = ferry_acquire_barrier(image, queue_family_index, layout, access);
  b.srcQueueFamilyIndex = peer_queue_family;
  return b;
}
static inline VkImageMemoryBarrier ferry_release_barrier_to(uint32_t peer_queue_family, VkImage image,
                                                            uint32_t queue_family_index, VkImageLayout layout,
                                                            VkAccessFlags access) {
  VkImageMemoryBarrier b = ferry_release_barrier(image, queue_family_index, layout, access);
  b.dstQueueFamilyIndex = peer_queue_family;
  return b;
}

#endif
