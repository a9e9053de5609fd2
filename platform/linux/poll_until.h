#pragma once
// poll(2) with a deadline instead of a timeout, not cut short by signals.

#include <poll.h>

#include <cstdint>
#include <span>

#include "proto/result.h"

namespace ferry::platform {

/// Sleeps until one of @p watched has events or @p deadline_ns (CLOCK_MONOTONIC; negative: none) has passed. True when
/// there are events. Negative descriptors are skipped; a closed one is an error.
proto::Result<bool> poll_until(std::span<pollfd> watched, std::int64_t deadline_ns);

}  // namespace ferry::platform
