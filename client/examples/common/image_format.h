#pragma once
// The pixel formats of ferry.h by name, and what an image of each holds.

#include <ferry/ferry.h>

#include <array>
#include <cstdint>
#include <string_view>

namespace examples {

struct FormatName {
  ferry_format format;
  std::string_view name;  ///< as `ferry status` writes it
};

inline constexpr std::array<FormatName, 8> kFormatNames{{
    {FERRY_FORMAT_RGBA8_UNORM, "RGBA8"},
    {FERRY_FORMAT_RGBA8_SRGB, "RGBA8_SRGB"},
    {FERRY_FORMAT_BGRA8_UNORM, "BGRA8"},
    {FERRY_FORMAT_BGRA8_SRGB, "BGRA8_SRGB"},
    {FERRY_FORMAT_RGB10A2_UNORM, "RGB10A2"},
    {FERRY_FORMAT_RGBA16_FLOAT, "RGBA16F"},
    {FERRY_FORMAT_NV12, "NV12"},
    {FERRY_FORMAT_P010, "P010"},
}};

/// In two planes, which nothing here draws or shows.
constexpr bool is_yuv(std::uint32_t format) { return format == FERRY_FORMAT_NV12 || format == FERRY_FORMAT_P010; }

constexpr std::string_view format_name(std::uint32_t format) {
  for (const auto& entry : kFormatNames)
    if (static_cast<std::uint32_t>(entry.format) == format) return entry.name;
  return "unknown";
}

/// The driver applies the sRGB curve on writing, and takes it off on sampling.
constexpr bool has_srgb_hardware(std::uint32_t format) {
  return format == FERRY_FORMAT_RGBA8_SRGB || format == FERRY_FORMAT_BGRA8_SRGB;
}

/// Of RGB formats.
constexpr std::uint32_t bytes_per_pixel(std::uint32_t format) { return format == FERRY_FORMAT_RGBA16_FLOAT ? 8 : 4; }

}  // namespace examples
