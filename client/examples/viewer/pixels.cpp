#include "client/examples/viewer/pixels.h"

#include <ferry/ferry.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

namespace viewer {
namespace {

using Rgba = std::array<float, 4>;

template <class Word>
Word load(const std::byte* at) {
  Word word;
  std::memcpy(&word, at, sizeof(word));
  return word;
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16, exponent = half >> 10 & 31U, mantissa = half & 1023U;
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000U | mantissa << 13);
  if (exponent == 0) return (sign != 0 ? -1.0F : 1.0F) * std::ldexp(static_cast<float>(mantissa), -24);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | mantissa << 13);
}

Rgba load_rgb10a2(const std::byte* at) {
  const auto word = load<std::uint32_t>(at);
  const auto channel = [word](unsigned shift) { return static_cast<float>(word >> shift & 1023U) / 1023; };
  return {channel(0), channel(10), channel(20), static_cast<float>(word >> 30) / 3};
}

Rgba load_rgba16f(const std::byte* at) {
  const auto halves = load<std::array<std::uint16_t, 4>>(at);
  return {half_to_float(halves[0]), half_to_float(halves[1]), half_to_float(halves[2]), half_to_float(halves[3])};
}

float encode_srgb(float linear) {
  return linear <= 0.0031308F ? linear * 12.92F : 1.055F * std::pow(linear, 1 / 2.4F) - 0.055F;
}

std::uint8_t to_byte(float value) {
  return static_cast<std::uint8_t>(value > 0 ? std::lround(std::min(value, 1.0F) * 255) : 0);  // NaN is black
}

template <std::size_t kPixelBytes, class Load>
void convert(std::span<const std::byte> from, bool linear, std::span<std::uint8_t> to, Load load_pixel) {
  for (std::size_t i = 0; i * kPixelBytes < from.size(); ++i) {
    const Rgba pixel = load_pixel(from.data() + i * kPixelBytes);
    for (std::size_t c = 0; c < 3; ++c) to[i * 4 + c] = to_byte(linear ? encode_srgb(pixel[c]) : pixel[c]);
    to[i * 4 + 3] = to_byte(pixel[3]);
  }
}

}  // namespace

void convert_to_rgba8(std::span<const std::byte> from, std::uint32_t format, bool linear, std::span<std::uint8_t> to) {
  if (format == FERRY_FORMAT_RGB10A2_UNORM) return convert<4>(from, linear, to, load_rgb10a2);
  if (format == FERRY_FORMAT_RGBA16_FLOAT) return convert<8>(from, linear, to, load_rgba16f);
  std::memcpy(to.data(), from.data(), from.size());  // 8 bits: UNORM and SRGB store the same bytes
  if (format != FERRY_FORMAT_BGRA8_UNORM && format != FERRY_FORMAT_BGRA8_SRGB) return;
  for (std::size_t i = 0; i < to.size(); i += 4) std::swap(to[i], to[i + 2]);
}

}  // namespace viewer
