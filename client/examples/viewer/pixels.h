#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace viewer {

/// Turns pixels of a ferry_format into RGBA, 8 bits each, sRGB. @p linear: the numbers are light (transfer LINEAR).
/// @p to has four bytes for each pixel of @p from.
void convert_to_rgba8(std::span<const std::byte> from, std::uint32_t format, bool linear, std::span<std::uint8_t> to);

}  // namespace viewer
