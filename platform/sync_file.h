#pragma once
// Fences of the kernel's as descriptors (sync_file): each is signalled once, by the driver whose work it stands for, and any
// driver can wait for it. There is none of work that nobody has submitted.

#include <cstdint>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

enum class FenceState : std::uint8_t {
  kPending,
  kSignalled,
  kFailed,  ///< signalled, because its work can no longer be done
};

/// kProtocolViolation unless @p fd is a sync_file: drivers take whatever they get, and some wait for it for ever.
proto::Result<FenceState> fence_state(const UniqueFd& fd);

/// A fence that signals when both have. kProtocolViolation unless both are sync_files.
proto::Result<UniqueFd> merge_fences(const UniqueFd& one, const UniqueFd& other);

/// Sleeps until @p fd has signalled. kTimeout after @p deadline_ns (CLOCK_MONOTONIC; negative: none). kProtocolViolation
/// unless it is a sync_file; kDeviceLost when it failed.
proto::Result<void> wait_for_fence(const UniqueFd& fd, std::int64_t deadline_ns);

}  // namespace ferry::platform
