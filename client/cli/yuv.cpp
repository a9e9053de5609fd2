#include "client/cli/yuv.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace ferry::cli {
namespace {

/// Luma of 0 to 1, differences of -0.5 to 0.5.
struct Yuv {
  float y, cb, cr;
};

struct Matrix {
  float kr, kb;
};
// Of ITU-R BT.709 (which Display P3 is sent with, too) and BT.2020, non-constant luminance.
constexpr Matrix matrix_of(std::uint32_t primaries) {
  return primaries == FERRY_PRIMARIES_BT2020 ? Matrix{0.2627F, 0.0593F} : Matrix{0.2126F, 0.0722F};
}

Rgb rgb_of(const Yuv& c, const Matrix& m) {
  const float r = c.y + 2 * (1 - m.kr) * c.cr;
  const float b = c.y + 2 * (1 - m.kb) * c.cb;
  return {r, (c.y - m.kr * r - m.kb * b) / (1 - m.kr - m.kb), b};
}

/// Code values of 8 or 10 bits as numbers.
class Levels {
 public:
  Levels(unsigned bits, bool is_limited) {
    const auto unit = static_cast<float>(1U << (bits - 8));
    middle_ = 128 * unit;
    black_ = is_limited ? 16 * unit : 0;
    luma_ = is_limited ? 219 * unit : static_cast<float>((1U << bits) - 1);
    chroma_ = is_limited ? 224 * unit : luma_;
  }
  float luma(std::uint32_t code) const { return (static_cast<float>(code) - black_) / luma_; }
  float chroma(std::uint32_t code) const { return (static_cast<float>(code) - middle_) / chroma_; }

 private:
  float middle_, black_, luma_, chroma_;
};

/// The @p index-th sample of @p bytes.
std::uint32_t sample(std::span<const std::byte> bytes, std::size_t index, unsigned bits) {
  if (bits == 8) return static_cast<std::uint8_t>(bytes[index]);
  std::uint16_t word;
  std::memcpy(&word, &bytes[index * 2], sizeof word);
  return word >> 6U;
}

std::uint32_t packed(const Rgb& c, unsigned bits) {
  const auto maximum = static_cast<float>((1U << bits) - 1);
  const auto code = [&](float v) { return static_cast<std::uint32_t>(std::lround(std::clamp(v, 0.0F, 1.0F) * maximum)); };
  const std::uint32_t opaque = ~0U << (3 * bits);
  return code(c.r) | code(c.g) << bits | code(c.b) << (2 * bits) | opaque;
}

}  // namespace

RgbFrame rgb_of(const PixelView& frame, const ferry_frame_metadata& metadata) {
  const unsigned bits = bits_per_component(frame.format);
  const Levels levels(bits, metadata.range == FERRY_RANGE_LIMITED);
  const Matrix matrix = matrix_of(metadata.primaries);
  const std::size_t width = frame.width_px, height = frame.height_px;
  const auto luma = frame.bytes.first(planes_of(frame.format).size_bytes(0, frame.width_px, frame.height_px));
  const auto chroma = frame.bytes.subspan(luma.size());

  RgbFrame out;
  out.format = bits == 8 ? FERRY_FORMAT_RGBA8_UNORM : FERRY_FORMAT_RGB10A2_UNORM;
  out.width_px = frame.width_px;
  out.height_px = frame.height_px;
  out.words.resize(width * height);
  for (std::size_t y = 0; y < height; ++y)
    for (std::size_t x = 0; x < width; ++x) {
      const std::size_t pair = (y / 2) * (width / 2) + x / 2;
      const Yuv yuv{levels.luma(sample(luma, y * width + x, bits)), levels.chroma(sample(chroma, pair * 2, bits)),
                    levels.chroma(sample(chroma, pair * 2 + 1, bits))};
      out.words[y * width + x] = packed(rgb_of(yuv, matrix), bits);
    }
  out.metadata = metadata;
  out.metadata.range = FERRY_RANGE_FULL;
  out.metadata.alpha = FERRY_ALPHA_OPAQUE;
  return out;
}

}  // namespace ferry::cli
