#pragma once
// YUV frames as RGB ones, by the matrix and the range of their metadata. Pure functions.

#include <vector>

#include "client/cli/pixels.h"

namespace ferry::cli {

/// Full range, of the frame's transfer function and primaries: RGBA8 of NV12, RGB10A2 of P010.
struct RgbFrame {
  PixelView view() const {
    return {format, width_px, height_px, width_px * sizeof words[0], std::as_bytes(std::span(words))};
  }

  ferry_format format{};
  std::uint32_t width_px = 0, height_px = 0;
  std::vector<std::uint32_t> words;
  ferry_frame_metadata metadata{};  ///< the frame's, with what is true of this one
};

/// @p frame: luma, then chroma, without padding. Every sample of chroma colours its four pixels.
RgbFrame rgb_of(const PixelView& frame, const ferry_frame_metadata& metadata);

}  // namespace ferry::cli
