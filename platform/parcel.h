#pragma once
// A message and its descriptors in one descriptor: a socket in which it waits. The kernel keeps what was sent, in its order
// and as it was, when the sender has closed its end; nobody can change it there. So a holder of descriptors that knows
// neither order nor number (a service manager's store) can keep a whole message.

#include <cstddef>
#include <span>

#include "platform/message_socket.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// @p fds are borrowed. kInvalidArgument above kMaxMessageBytes or kMaxMessageFds; kLimitExceeded when too many descriptors of
/// this user are on their way already (RLIMIT_NOFILE).
proto::Result<UniqueFd> pack_parcel(std::span<const std::byte> bytes, std::span<const int> fds);

/// Takes out what is in it. kProtocolViolation when that is not one whole message.
proto::Result<Packet> unpack_parcel(const UniqueFd& parcel);

}  // namespace ferry::platform
