#pragma once
// How much of a packet there would be if nothing in it were pointed at twice.

#include <cstddef>

#include "ferry_generated.h"

namespace ferry::proto {

/// A packet's tables, lists and texts lie where offsets say, and several may say the same place: unpacked, each is a copy
/// of its own, and 64 KiB become hundreds of megabytes. Adds up what every offset leads to, by the schema itself, so that a
/// field or message more is never left out. False when that is more than @p limit_bytes, found without much work. @p envelope
/// has been verified.
bool unpacks_within(const wire::Envelope& envelope, std::size_t limit_bytes);

}  // namespace ferry::proto
