#pragma once

#include <cstdint>
#include <span>

namespace examples {

/// Pixels in memory: RGBA, 8 bits each, sRGB, rows without padding.
struct Rgba8Picture {
  std::uint32_t width_px = 0, height_px = 0;
  std::span<const std::uint8_t> pixels;
};

}  // namespace examples
