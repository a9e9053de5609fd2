#pragma once
// Sync mode sync-fd: the socket pair between a producer and one consumer that fences cross. Beside the lease channel, which is
// rung by anybody who holds an end, and drained without looking.

#include <optional>

#include "platform/unique_fd.h"
#include "proto/fence_message.h"
#include "proto/result.h"

namespace ferry::platform {

struct FenceChannelPair {
  UniqueFd producer_end, consumer_end;
};
/// With the smallest buffer that the kernel gives: what nobody reads counts against how many descriptors its sender's user may
/// have under way (RLIMIT_NOFILE), for everything that this user sends.
proto::Result<FenceChannelPair> create_fence_channel();

/// Sends @p fence, or none where it is invalid. One system call, never blocks. False when it did not go: the channel is full or
/// closed, or too much is under way. The frame is then seen when it is complete.
bool send_fence(const UniqueFd& channel, const proto::FenceMessage& message, const UniqueFd& fence);

struct ReceivedFence {
  proto::FenceMessage message;
  UniqueFd fence;  ///< a sync_file; invalid: it has signalled
};
/// The next one; nothing when there is none, or when this process could not open its descriptor, which is lost then. Never
/// blocks. kDisconnected when the other end is closed; kProtocolViolation for a message of another size, for more than one
/// descriptor, and for one that is no sync_file.
proto::Result<std::optional<ReceivedFence>> receive_fence(const UniqueFd& channel);

}  // namespace ferry::platform
