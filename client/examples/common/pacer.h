#pragma once

#include <cstdint>

namespace examples {

/// CLOCK_MONOTONIC: the clock of every time in ferry.h.
std::int64_t monotonic_ns();

/// Frame deadlines at a fixed rate, kept by the clock and not by how long the last frame took.
class Pacer {
 public:
  /// 0 Hz: no deadlines.
  explicit Pacer(double rate_hz);

  /// Sleeps to the next deadline. Deadlines that have passed meanwhile are left out rather than caught up with: a burst
  /// of frames helps nobody. False when the program was asked to stop.
  bool wait_for_next();

 private:
  std::int64_t period_ns_;
  std::int64_t next_ns_;
};

}  // namespace examples
