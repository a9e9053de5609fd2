#pragma once
// What the picture of `ferry source` has to be (docs/cli.md), worked out without the shader that draws it.

#include <cstdint>
#include <optional>
#include <string>

#include "tests/integration/cli/png_picture.h"

namespace ferry::test {

/// What differs from frame to frame.
struct SourceMoment {
  std::uint32_t number = 0;
  std::string clock;   ///< "HH:MM:SS.mmm"
  double head_px = 0;  ///< where the moving line is

  /// Read from the picture itself: the strip, the two lines of text, the white line in the red ramp. Throws when the
  /// strip's number is not the one in digits, or when there is no such line or no such digit.
  static SourceMoment read_from(const PngPicture& picture);
};

/// sRGB numbers of the pixel at (@p x, @p y).
Rgb source_pixel(const SourceMoment& moment, int width_px, int height_px, int x, int y);

}  // namespace ferry::test
