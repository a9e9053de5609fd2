#pragma once
// What an image of each format can be, on any device: the broker asks before it allocates, everybody before a driver is.

#include <cstdint>

#include "proto/format.h"
#include "proto/result.h"

namespace ferry::proto {

/// kInvalidArgument names the value and what the format wants. Sides and bits must have been checked by themselves.
Result<void> check_image_rules(const FormatInfo& format, std::uint32_t width_px, std::uint32_t height_px,
                               std::uint32_t usage, std::uint32_t flags);

}  // namespace ferry::proto
