#pragma once
// Waiting for room in a socket of message_socket.h, whose peer reads in its own time.

#include <cstdint>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// Blocks until @p socket has room for a packet or its peer is gone: true. False when @p deadline_ns (CLOCK_MONOTONIC;
/// negative: none) has passed.
proto::Result<bool> wait_room(const UniqueFd& socket, std::int64_t deadline_ns);

/// Blocks until @p socket is readable or has room, or @p other is readable.
struct ReadableOrRoom { bool readable = false, room = false, other = false; };
proto::Result<ReadableOrRoom> wait_readable_or_room(const UniqueFd& socket, const UniqueFd& other);

}  // namespace ferry::platform
