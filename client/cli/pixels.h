#pragma once
// A frame's bytes in host memory, and one pixel of them as numbers.

#include <ferry/ferry.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "client/cli/colour.h"
#include "client/cli/planes.h"

namespace ferry::cli {

/// nullptr-free names for people: "RGBA8_SRGB"; "?" for a number that is no format.
std::string_view format_name(std::uint32_t format);

/// Of the first plane, where there is another one.
constexpr std::size_t bytes_per_pixel(ferry_format format) { return planes_of(format).all[0].texel_bytes; }
constexpr bool is_srgb_format(ferry_format format) {
  return format == FERRY_FORMAT_RGBA8_SRGB || format == FERRY_FORMAT_BGRA8_SRGB;
}

/// Bits of a colour component; also how fine a PNG has to be to hold it.
constexpr unsigned bits_per_component(ferry_format format) {
  const bool has_ten = format == FERRY_FORMAT_RGB10A2_UNORM || format == FERRY_FORMAT_P010;
  return has_ten ? 10 : format == FERRY_FORMAT_RGBA16_FLOAT ? 16 : 8;
}

/// Borrowed rows of pixels, top row first. Of YUV formats the planes one after the other: see yuv.h.
struct PixelView {
  ferry_format format = FERRY_FORMAT_RGBA8_UNORM;
  std::uint32_t width_px = 0, height_px = 0;
  std::size_t stride_bytes = 0;
  std::span<const std::byte> bytes;

  /// The part inside @p rect; width 0 means all. @p rect must lie within the view. RGB only.
  PixelView cropped(const ferry_rect& rect) const;
};

struct Pixel {
  Rgb colour;
  float alpha = 1;
};

/// RGB only. The numbers of a pixel as they are stored: UNORM as 0 .. 1 (sRGB formats too: still encoded), floats as they are.
Pixel load_pixel(const PixelView& view, std::uint32_t x_px, std::uint32_t y_px);

}  // namespace ferry::cli
