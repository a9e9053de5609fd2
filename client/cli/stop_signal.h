#pragma once
// SIGINT and SIGTERM as something to wait for, so that a wait ends at its deadline or at the user's wish.

#include <csignal>
#include <cstdint>

namespace ferry::cli {

std::int64_t monotonic_ns();

/// Blocks SIGINT, SIGTERM and, unless it is ignored, SIGHUP in this thread and in all threads it starts: make it before
/// a Connection or a Device, whose threads would otherwise be interrupted.
class StopSignal {
 public:
  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  /// Sleeps until @p deadline_ns (CLOCK_MONOTONIC). True: the user wants to stop, at once or earlier.
  bool wait_until(std::int64_t deadline_ns);
  bool requested() { return wait_until(0); }

 private:
  sigset_t signals_, before_;
  bool requested_ = false;
};

}  // namespace ferry::cli
