#pragma once
// How many sessions and how many descriptors of theirs fit into what the process may open. Pure.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/fd_bin.h"

namespace ferry::daemon {

/// A session's socket, the pidfd of its process, and the timer that waits for its Hello.
constexpr std::uint64_t kDescriptorsOfSession = 3;
/// Devices, the loop, the log, the listener, and what is in one message that has just come.
constexpr std::uint64_t kDescriptorsOfBroker = 128;
/// Those of peers that are not kept and have yet to close.
constexpr std::uint64_t descriptors_in_bins(std::uint64_t open_files) {
  return std::min<std::uint64_t>(FdBin::kMost, open_files / 8);
}

struct FittedLimits {
  Limits limits;
  std::vector<std::string> lowered;  ///< "max_sessions is 576 instead of 1024, because RLIMIT_NOFILE is 4096"
};

/// @p limits, lowered so far that all sessions and all that they are given can be open at once. Sessions take half at most.
FittedLimits fit_into(Limits limits, std::uint64_t open_files);

}  // namespace ferry::daemon
