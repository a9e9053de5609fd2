#pragma once
// From stored numbers to light and back to sRGB. Pure functions; 1.0 is diffuse white (203 cd/m2, ITU-R BT.2408).

#include <ferry/ferry.h>

#include <cstdint>

namespace ferry::cli {

struct Rgb {
  float r = 0, g = 0, b = 0;
};

/// IEEE 754 binary16. Not-a-number becomes 0 and the infinities the largest finite value: a picture has to be shown.
float half_to_float(std::uint16_t half);

/// IEC 61966-2-1, both ways; odd beyond 0, continued above 1 (scRGB).
float srgb_to_linear(float encoded);
float linear_to_srgb(float linear);

/// SMPTE ST 2084: encoded 0 .. 1 to cd/m2 (0 .. 10000).
float pq_to_nits(float encoded);

/// ITU-R BT.2100 HLG on its nominal display of 1000 cd/m2 (system gamma 1.2): encoded RGB to cd/m2. @p luma: weights of
/// the picture's primaries, in which the system gamma works.
Rgb hlg_to_nits(Rgb encoded, Rgb luma);

inline constexpr float kDiffuseWhiteNits = 203.0F;

/// Stored numbers (full range, not premultiplied) to linear light in BT.709 primaries. Components below 0 lie outside
/// BT.709, those above 1 are brighter than diffuse white.
Rgb to_linear_bt709(Rgb stored, ferry_transfer transfer, ferry_primaries primaries);

/// Whether numbers of that kind are meant to go beyond diffuse white: they are tone-mapped, others are clipped.
constexpr bool is_high_dynamic_range(ferry_format format, ferry_transfer transfer) {
  return format == FERRY_FORMAT_RGBA16_FLOAT || transfer == FERRY_TRANSFER_PQ || transfer == FERRY_TRANSFER_HLG;
}

/// Brings light of up to a peak into 0 .. 1. Below the knee (0.75) nothing changes; above it the brightest component
/// follows an extended Reinhard curve of slope 1 at the knee that takes the peak to 1. All components shrink by the
/// same factor, so hues stay. With a peak of at most 1 it changes nothing at all.
class ToneMap {
 public:
  explicit ToneMap(float peak);
  Rgb operator()(Rgb linear) const;

 private:
  float white_;  ///< the peak in units of the room above the knee
};

float brightest(Rgb colour);

}  // namespace ferry::cli
