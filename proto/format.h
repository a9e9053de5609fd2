#pragma once
// The pixel formats Ferry carries, by Ferry's own numbers: the wire and other systems know no VkFormat.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
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
  kNv12 = 7,  ///< a plane of luma, and one of Cb and Cr in turns at half the width and height
  kP010 = 8,  ///< the same with 16 bits each, of which the upper ten count
};

/// One plane of an image: all of it, but for YUV formats.
struct PlaneInfo {
  std::uint32_t texel_bytes;
  std::uint32_t divisor;    ///< of the image's width and height, both of which are multiples of it
  std::uint32_t vk_format;  ///< VkFormat of a view of this plane alone
};

inline constexpr std::size_t kMaxFormatPlanes = 2;

struct FormatInfo {
  Format format;
  std::string_view name;          ///< as the CLI and the logs write it
  std::uint32_t vk_format;        ///< VkFormat (Vulkan 1.3, 34.1.1)
  std::uint32_t vk_srgb_sibling;  ///< the VkFormat that differs only in the transfer function, or 0
  std::uint32_t plane_count;      ///< more than one: YUV, to be sampled through a VkSamplerYcbcrConversion
  std::array<PlaneInfo, kMaxFormatPlanes> planes;

  constexpr bool is_yuv() const { return plane_count > 1; }
  constexpr std::uint64_t row_bytes(std::size_t plane, std::uint32_t width_px) const {
    return std::uint64_t{width_px / planes[plane].divisor} * planes[plane].texel_bytes;
  }
  constexpr std::uint32_t rows(std::size_t plane, std::uint32_t height_px) const {
    return height_px / planes[plane].divisor;
  }
  /// Of all planes one after the other, without padding.
  constexpr std::uint64_t image_bytes(std::uint32_t width_px, std::uint32_t height_px) const {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < plane_count; ++i) bytes += row_bytes(i, width_px) * rows(i, height_px);
    return bytes;
  }
};

inline constexpr std::array<FormatInfo, 8> kFormats{{
    {Format::kRgba8Unorm, "RGBA8", 37, 43, 1, {{{4, 1, 37}, {}}}},
    {Format::kRgba8Srgb, "RGBA8_SRGB", 43, 37, 1, {{{4, 1, 43}, {}}}},
    {Format::kBgra8Unorm, "BGRA8", 44, 50, 1, {{{4, 1, 44}, {}}}},
    {Format::kBgra8Srgb, "BGRA8_SRGB", 50, 44, 1, {{{4, 1, 50}, {}}}},
    {Format::kRgb10a2Unorm, "RGB10A2", 64, 0, 1, {{{4, 1, 64}, {}}}},
    {Format::kRgba16Float, "RGBA16F", 97, 0, 1, {{{8, 1, 97}, {}}}},
    // VK_FORMAT_G8_B8R8_2PLANE_420_UNORM; planes R8_UNORM, R8G8_UNORM.
    {Format::kNv12, "NV12", 1000156003, 0, 2, {{{1, 1, 9}, {2, 2, 16}}}},
    // VK_FORMAT_G10X6_B10X6R10X6_2PLANE_420_UNORM_3PACK16; planes R10X6_UNORM_PACK16, R10X6G10X6_UNORM_2PACK16.
    {Format::kP010, "P010", 1000156013, 0, 2, {{{2, 1, 1000156007}, {4, 2, 1000156008}}}},
}};

/// Those of one plane, which any driver has and a shader writes without more ado.
inline constexpr std::span<const FormatInfo> kRgbFormats{kFormats.data(), 6};

/// nullptr when @p value is no format of ours.
constexpr const FormatInfo* find_format(std::uint32_t value) {
  for (const auto& info : kFormats)
    if (static_cast<std::uint32_t>(info.format) == value) return &info;
  return nullptr;
}

constexpr const FormatInfo& format_info(Format format) { return *find_format(static_cast<std::uint32_t>(format)); }

}  // namespace ferry::proto
