#pragma once
// The pixel formats Ferry carries, by Ferry's own numbers: the wire and other systems know no VkFormat.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ferry::proto {

/// Values are the C ABI's (`ferry_format`) and the wire's: append, never renumber.
enum class Format : std::uint8_t {
  kRgba8Unorm = 1,
  kRgba8Srgb = 2,
  kBgra8Unorm = 3,
  kBgra8Srgb = 4,
  kRgb10a2Unorm = 5,   ///< red in the lowest ten bits
  kRgba16Float = 6,
};

struct FormatInfo {
  Format format;
  std::string_view name;          ///< as the CLI and the logs write it
  std::uint32_t bytes_per_pixel;
  std::uint32_t vk_format;        ///< VkFormat (Vulkan 1.3, 34.1.1)
  std::uint32_t vk_srgb_sibling;  ///< the VkFormat that differs only in the transfer function, or 0
};

inline constexpr std::array<FormatInfo, 6> kFormats{{
    {Format::kRgba8Unorm, "RGBA8", 4, 37, 43},
    {Format::kRgba8Srgb, "RGBA8_SRGB", 4, 43, 37},
    {Format::kBgra8Unorm, "BGRA8", 4, 44, 50},
    {Format::kBgra8Srgb, "BGRA8_SRGB", 4, 50, 44},
    {Format::kRgb10a2Unorm, "RGB10A2", 4, 64, 0},
    {Format::kRgba16Float, "RGBA16F", 8, 97, 0},
}};

/// nullptr when @p value is no format of ours.
constexpr const FormatInfo* find_format(std::uint32_t value) {
  for (const auto& info : kFormats)
    if (static_cast<std::uint32_t>(info.format) == value) return &info;
  return nullptr;
}

constexpr const FormatInfo& format_info(Format format) { return *find_format(static_cast<std::uint32_t>(format)); }

}  // namespace ferry::proto
