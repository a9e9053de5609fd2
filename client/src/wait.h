#pragma once
#include <cstdint>

namespace ferry::client {

/// How a call that may wait ended, when nothing was wrong. Not an Error: it is an everyday answer and must not allocate.
enum class Wait : std::uint8_t { kDone, kWouldBlock, kTimedOut };

}  // namespace ferry::client
