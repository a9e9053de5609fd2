#include "client/cli/colour.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace ferry::cli {
namespace {

constexpr float kLargestHalf = 65504.0F;
constexpr float kKnee = 0.75F;

struct Matrix {
  std::array<float, 9> rows;
};

// Linear RGB to linear BT.709, all with white D65: from the chromaticities in ITU-R BT.709, BT.2020 and SMPTE EG 432-1.
constexpr Matrix kDisplayP3ToBt709{{1.2249402F, -0.2249402F, 0.0F,  //
                                    -0.0420570F, 1.0420570F, 0.0F,  //
                                    -0.0196376F, -0.0786361F, 1.0982737F}};
constexpr Matrix kBt2020ToBt709{{1.6604910F, -0.5876411F, -0.0728499F,  //
                                 -0.1245505F, 1.1328999F, -0.0083494F,  //
                                 -0.0181508F, -0.1005789F, 1.1187297F}};

Rgb apply(const Matrix& m, Rgb c) {
  const auto& k = m.rows;
  return {k[0] * c.r + k[1] * c.g + k[2] * c.b, k[3] * c.r + k[4] * c.g + k[5] * c.b,
          k[6] * c.r + k[7] * c.g + k[8] * c.b};
}

template <class Function>
Rgb each(Rgb c, Function function) {
  return {function(c.r), function(c.g), function(c.b)};
}

Rgb scaled(Rgb c, float factor) { return {c.r * factor, c.g * factor, c.b * factor}; }

/// How much of a linear colour's components makes its luminance (row Y of RGB to XYZ).
constexpr Rgb luma_weights(ferry_primaries primaries) {
  switch (primaries) {
    case FERRY_PRIMARIES_BT2020:
      return {0.2627F, 0.6780F, 0.0593F};
    case FERRY_PRIMARIES_DISPLAY_P3:
      return {0.2289746F, 0.6917385F, 0.0792869F};
    case FERRY_PRIMARIES_BT709:
      break;
  }
  return {0.2126F, 0.7152F, 0.0722F};
}

float hlg_to_scene(float encoded) {
  constexpr float a = 0.17883277F, b = 0.28466892F, c = 0.55991073F;
  const float e = std::max(encoded, 0.0F);
  return e <= 0.5F ? e * e / 3.0F : (std::exp((e - c) / a) + b) / 12.0F;
}

Rgb to_linear(Rgb stored, ferry_transfer transfer, ferry_primaries primaries) {
  switch (transfer) {
    case FERRY_TRANSFER_LINEAR:
      return stored;
    case FERRY_TRANSFER_GAMMA22:
      return each(stored, [](float v) { return std::copysign(std::pow(std::abs(v), 2.2F), v); });
    case FERRY_TRANSFER_PQ:
      return scaled(each(stored, pq_to_nits), 1.0F / kDiffuseWhiteNits);
    case FERRY_TRANSFER_HLG:
      return scaled(hlg_to_nits(stored, luma_weights(primaries)), 1.0F / kDiffuseWhiteNits);
    case FERRY_TRANSFER_SRGB:
      break;
  }
  return each(stored, srgb_to_linear);
}

}  // namespace

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = std::uint32_t{half} >> 15 << 31;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0x1F) return mantissa ? 0.0F : std::copysign(kLargestHalf, sign ? -1.0F : 1.0F);
  if (exponent == 0) {
    const float magnitude = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

float srgb_to_linear(float encoded) {
  const float v = std::abs(encoded);
  return std::copysign(v <= 0.04045F ? v / 12.92F : std::pow((v + 0.055F) / 1.055F, 2.4F), encoded);
}

float linear_to_srgb(float linear) {
  const float v = std::abs(linear);
  return std::copysign(v <= 0.0031308F ? v * 12.92F : 1.055F * std::pow(v, 1.0F / 2.4F) - 0.055F, linear);
}

float pq_to_nits(float encoded) {
  constexpr float m1 = 2610.0F / 16384, m2 = 2523.0F / 4096 * 128;
  constexpr float c1 = 3424.0F / 4096, c2 = 2413.0F / 4096 * 32, c3 = 2392.0F / 4096 * 32;
  const float p = std::pow(std::clamp(encoded, 0.0F, 1.0F), 1.0F / m2);
  return 10000.0F * std::pow(std::max(p - c1, 0.0F) / (c2 - c3 * p), 1.0F / m1);
}

Rgb hlg_to_nits(Rgb encoded, Rgb luma) {
  constexpr float kPeakNits = 1000.0F, kSystemGamma = 1.2F;
  const Rgb scene = each(encoded, hlg_to_scene);
  const float luminance = luma.r * scene.r + luma.g * scene.g + luma.b * scene.b;
  return scaled(scene, luminance > 0 ? kPeakNits * std::pow(luminance, kSystemGamma - 1) : 0.0F);
}

Rgb to_linear_bt709(Rgb stored, ferry_transfer transfer, ferry_primaries primaries) {
  const Rgb linear = to_linear(stored, transfer, primaries);
  switch (primaries) {
    case FERRY_PRIMARIES_DISPLAY_P3:
      return apply(kDisplayP3ToBt709, linear);
    case FERRY_PRIMARIES_BT2020:
      return apply(kBt2020ToBt709, linear);
    case FERRY_PRIMARIES_BT709:
      break;
  }
  return linear;
}

ToneMap::ToneMap(float peak) : white_((std::max(peak, 1.0F) - kKnee) / (1 - kKnee)) {}

Rgb ToneMap::operator()(Rgb linear) const {
  const float level = brightest(linear);
  if (level <= kKnee) return linear;
  const float x = (level - kKnee) / (1 - kKnee);
  const float mapped = x * (1 + x / (white_ * white_)) / (1 + x);
  return scaled(linear, (kKnee + (1 - kKnee) * mapped) / level);
}

float brightest(Rgb colour) { return std::max({colour.r, colour.g, colour.b}); }

}  // namespace ferry::cli
