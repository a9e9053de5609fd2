#pragma once
// Writes and reads whole slots by the hand-over contract, pixel by pixel.

#include <cstddef>
#include <vector>

#include "platform/vulkan/device.h"

namespace ferry::platform::test {

/// Bytes that differ for every pixel and every @p seed, and are finite numbers in every format.
std::vector<std::byte> make_pattern(const TextureDesc& desc, std::uint32_t seed);
std::vector<std::byte> zeros(const TextureDesc& desc);

/// Each takes the image over from VK_QUEUE_FAMILY_EXTERNAL, works, hands it back, and waits for the GPU. Throws
/// std::runtime_error when Vulkan fails.
void write_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc, const std::vector<std::byte>& pixels);
void clear_slot(VulkanDevice& device, VkImage image, const VkClearColorValue& color);
std::vector<std::byte> read_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc);

}  // namespace ferry::platform::test
