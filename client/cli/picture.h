#pragma once
// A frame as a picture file wants it: upright, cropped, sRGB, straight alpha. Pure functions (docs/cli.md says how).

#include <cstdint>
#include <vector>

#include "client/cli/pixels.h"

namespace ferry::cli {

/// What the numbers of a picture mean: which colour chunks its file gets.
enum class PictureColour : std::uint8_t {
  kSrgb,         ///< BT.709 primaries, sRGB transfer
  kSrgbWide,     ///< sRGB transfer, the primaries below
  kLinear,       ///< linear light, the primaries below
  kGamma22,      ///< gamma 2.2, the primaries below
  kUnspecified,  ///< PQ, HLG: nothing that a PNG can say without an ICC profile
};

struct Picture {
  std::uint32_t width_px = 0, height_px = 0;
  unsigned channels = 3;         ///< 3: RGB; 4: RGB and straight alpha
  unsigned bits_per_sample = 8;  ///< 8 or 16
  PictureColour colour = PictureColour::kSrgb;
  ferry_primaries primaries = FERRY_PRIMARIES_BT709;
  std::vector<std::uint16_t> samples;  ///< row by row, top row first; 0 .. 255 or 0 .. 65535
};

/// The picture that a viewer would show: crop, orientation, range, alpha, transfer and primaries of @p metadata
/// applied.
/// @p metadata must be valid for the view (the library checks what it hands out).
Picture make_picture(const PixelView& frame, const ferry_frame_metadata& metadata);

/// The stored numbers, as they are, of the whole texture; floats are clipped to 0 .. 1. Of YUV formats the RGB that they
/// stand for.
Picture make_raw_picture(const PixelView& frame, const ferry_frame_metadata& metadata);

struct Position {
  std::uint32_t x_px, y_px;
  bool operator==(const Position&) const = default;
};

/// Where the pixel at @p stored of a texture of that size belongs in the upright picture.
Position upright_position(Position stored, std::uint32_t width_px, std::uint32_t height_px,
                          ferry_orientation orientation);
/// Whether @p orientation makes rows out of columns.
bool swaps_axes(ferry_orientation orientation);

/// A limited range number (16 .. 235 of 255, 64 .. 940 of 1023) stretched to 0 .. 1.
float expand_limited_range(float stored, unsigned bits);

}  // namespace ferry::cli
