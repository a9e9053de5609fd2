#pragma once
// When the next frame is due: absolute deadlines, so that the rate does not drift with the time a frame takes.

#include <cstdint>

namespace ferry::cli {

class FramePacer {
 public:
  /// The first frame is due at @p start_ns. @p rate_hz 0: every frame is due at once.
  FramePacer(double rate_hz, std::int64_t start_ns)
      : period_ns_(rate_hz > 0 ? static_cast<std::int64_t>(1e9 / rate_hz) : 0), due_ns_(start_ns) {}

  std::int64_t due_ns() const { return due_ns_; }

  /// One frame is done, or was left out, at @p now_ns. Deadlines that have passed by a period or more are dropped: a
  /// burst of late frames helps nobody.
  void advance(std::int64_t now_ns) {
    due_ns_ += period_ns_;
    if (period_ns_ == 0) {
      due_ns_ = now_ns;
    } else if (now_ns - due_ns_ >= period_ns_) {
      due_ns_ += (now_ns - due_ns_) / period_ns_ * period_ns_;
    }
  }

 private:
  std::int64_t period_ns_;
  std::int64_t due_ns_;
};

}  // namespace ferry::cli
