#pragma once
// Where the planes of a frame lie in memory, one after the other without padding.

#include <ferry/ferry.h>

#include <array>
#include <cstddef>
#include <cstdint>

namespace ferry::cli {

struct Plane {
  std::size_t texel_bytes = 0;
  std::uint32_t divisor = 1;  ///< of the image's sides
};

struct Planes {
  std::uint32_t count = 0;
  std::array<Plane, 2> all{};

  constexpr std::size_t size_bytes(std::size_t plane, std::uint32_t width_px, std::uint32_t height_px) const {
    const Plane& p = all[plane];
    return std::size_t{width_px / p.divisor} * (height_px / p.divisor) * p.texel_bytes;
  }
  constexpr std::size_t size_bytes(std::uint32_t width_px, std::uint32_t height_px) const {
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += size_bytes(i, width_px, height_px);
    return bytes;
  }
};

constexpr Planes planes_of(ferry_format format) {
  switch (format) {
    case FERRY_FORMAT_NV12:
      return {2, {{{1, 1}, {2, 2}}}};
    case FERRY_FORMAT_P010:
      return {2, {{{2, 1}, {4, 2}}}};
    case FERRY_FORMAT_RGBA16_FLOAT:
      return {1, {{{8, 1}, {}}}};
    default:
      return {1, {{{4, 1}, {}}}};
  }
}

constexpr bool is_yuv_format(ferry_format format) { return planes_of(format).count > 1; }

}  // namespace ferry::cli
