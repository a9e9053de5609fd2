#include "client/examples/common/stamp.h"

namespace examples {
namespace {

/// One block's bit. Every pixel of it has to agree: a half drawn block is a torn frame.
std::optional<bool> read_block(const Rgba8Picture& picture, std::uint32_t left_px, std::uint32_t top_px) {
  constexpr int kBlackAtMost = 16, kWhiteAtLeast = 239;
  int darkest = 255, brightest = 0;
  for (std::uint32_t y = top_px; y < top_px + kStampBlockPx; ++y)
    for (std::uint32_t x = left_px; x < left_px + kStampBlockPx; ++x)
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const int value = picture.pixels[(std::size_t{y} * picture.width_px + x) * 4 + channel];
        darkest = value < darkest ? value : darkest;
        brightest = value > brightest ? value : brightest;
      }
  if (darkest >= kWhiteAtLeast) return true;
  if (brightest <= kBlackAtMost) return false;
  return std::nullopt;
}

std::optional<std::uint32_t> read_corner(const Rgba8Picture& picture, std::uint32_t left_px, std::uint32_t top_px) {
  std::uint64_t bits = 0;
  for (std::uint32_t i = 0; i < kStampColumns * kStampRows; ++i) {
    const auto bit =
        read_block(picture, left_px + i % kStampColumns * kStampBlockPx, top_px + i / kStampColumns * kStampBlockPx);
    if (!bit) return std::nullopt;
    bits |= std::uint64_t{*bit} << i;
  }
  const auto counter = static_cast<std::uint32_t>(bits);
  if (static_cast<std::uint32_t>(bits >> 32) != stamp_check(counter)) return std::nullopt;
  return counter;
}

}  // namespace

std::optional<std::uint32_t> read_stamp(const Rgba8Picture& picture) {
  if (picture.width_px < kStampWidthPx || picture.height_px < kStampHeightPx) return std::nullopt;
  const auto first = read_corner(picture, 0, 0);
  const auto last = read_corner(picture, picture.width_px - kStampWidthPx, picture.height_px - kStampHeightPx);
  return first == last ? first : std::nullopt;
}

}  // namespace examples
