#include "client/cli/pixels.h"

#include <cassert>
#include <cstring>

namespace ferry::cli {
namespace {

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

float component(std::uint32_t packed, unsigned shift, unsigned bits) {
  const std::uint32_t maximum = (1U << bits) - 1;
  return static_cast<float>((packed >> shift) & maximum) / static_cast<float>(maximum);
}

}  // namespace

std::string_view format_name(std::uint32_t format) {
  switch (format) {
    case FERRY_FORMAT_RGBA8_UNORM:
      return "RGBA8";
    case FERRY_FORMAT_RGBA8_SRGB:
      return "RGBA8_SRGB";
    case FERRY_FORMAT_BGRA8_UNORM:
      return "BGRA8";
    case FERRY_FORMAT_BGRA8_SRGB:
      return "BGRA8_SRGB";
    case FERRY_FORMAT_RGB10A2_UNORM:
      return "RGB10A2";
    case FERRY_FORMAT_RGBA16_FLOAT:
      return "RGBA16F";
    case FERRY_FORMAT_NV12:
      return "NV12";
    case FERRY_FORMAT_P010:
      return "P010";
    default:
      return "?";
  }
}

PixelView PixelView::cropped(const ferry_rect& rect) const {
  if (rect.width_px == 0 || rect.height_px == 0) return *this;
  assert(rect.x_px <= width_px && rect.width_px <= width_px - rect.x_px);
  assert(rect.y_px <= height_px && rect.height_px <= height_px - rect.y_px);
  const std::size_t offset = rect.y_px * stride_bytes + rect.x_px * bytes_per_pixel(format);
  return {format, rect.width_px, rect.height_px, stride_bytes, bytes.subspan(offset)};
}

Pixel load_pixel(const PixelView& view, std::uint32_t x_px, std::uint32_t y_px) {
  const std::byte* at = &view.bytes[y_px * view.stride_bytes + x_px * bytes_per_pixel(view.format)];
  switch (view.format) {
    case FERRY_FORMAT_RGBA8_UNORM:
    case FERRY_FORMAT_RGBA8_SRGB: {
      const auto v = load<std::uint32_t>(at);
      return {{component(v, 0, 8), component(v, 8, 8), component(v, 16, 8)}, component(v, 24, 8)};
    }
    case FERRY_FORMAT_BGRA8_UNORM:
    case FERRY_FORMAT_BGRA8_SRGB: {
      const auto v = load<std::uint32_t>(at);
      return {{component(v, 16, 8), component(v, 8, 8), component(v, 0, 8)}, component(v, 24, 8)};
    }
    case FERRY_FORMAT_RGB10A2_UNORM: {
      const auto v = load<std::uint32_t>(at);
      return {{component(v, 0, 10), component(v, 10, 10), component(v, 20, 10)}, component(v, 30, 2)};
    }
    case FERRY_FORMAT_RGBA16_FLOAT: {
      const auto half = [&](std::size_t i) { return half_to_float(load<std::uint16_t>(at + 2 * i)); };
      return {{half(0), half(1), half(2)}, half(3)};
    }
    case FERRY_FORMAT_NV12:
    case FERRY_FORMAT_P010:
      break;
  }
  return {};
}

}  // namespace ferry::cli
