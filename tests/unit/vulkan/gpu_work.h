#pragma once
// Writes and reads whole slots by the hand-over contract, pixel by pixel.

#include <cstddef>
#include <span>
#include <vector>

#include "platform/vulkan/device.h"

namespace ferry::platform::test {

/// Bytes that differ for every pixel and every @p seed, and are finite numbers in every format.
std::vector<std::byte> make_pattern(const TextureDesc& desc, std::uint32_t seed);
/// What a new slot holds: transparent black; of YUV formats luma 0 and chroma in the middle.
std::vector<std::byte> blank(const TextureDesc& desc);
/// @p pixels as memory with @p planes has them, everything else 0xa5.
std::vector<std::byte> laid_out(const TextureDesc& desc, const std::vector<std::byte>& pixels,
                                std::span<const PlaneLayout> planes, std::size_t size_bytes);

/// Each takes the image over from VK_QUEUE_FAMILY_EXTERNAL, works, hands it back, and waits for the GPU. Throws
/// std::runtime_error when Vulkan fails.
void write_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc, const std::vector<std::byte>& pixels);
void clear_slot(VulkanDevice& device, VkImage image, const VkClearColorValue& color);
std::vector<std::byte> read_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc);

}  // namespace ferry::platform::test
