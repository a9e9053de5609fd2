#pragma once
// A number that is part of the picture: whoever reads the pixels can tell which frame they belong to, and whether all
// of them belong to the same one. Black and white blocks, 16 to a row: two rows of counter, lowest bit first, and one
// of check bits. Drawn twice, in the first and in the last corner, because a torn picture differs between the two.

#include <cstdint>
#include <optional>

#include "client/examples/common/rgba8_picture.h"

namespace examples {

inline constexpr std::uint32_t kStampBlockPx = 8;
inline constexpr std::uint32_t kStampColumns = 16;
inline constexpr std::uint32_t kStampRows = 3;
inline constexpr std::uint32_t kStampWidthPx = kStampColumns * kStampBlockPx;
inline constexpr std::uint32_t kStampHeightPx = kStampRows * kStampBlockPx;

/// Neither an all black nor an all white corner passes for a stamp.
constexpr std::uint32_t stamp_check(std::uint32_t counter) { return ((counter >> 16) ^ counter ^ 0xa5c3U) & 0xffffU; }

/// The counter in both corners; nothing when either is missing, damaged, or they differ.
std::optional<std::uint32_t> read_stamp(const Rgba8Picture& picture);

}  // namespace examples
