#pragma once
// A descriptor that becomes readable at a time (timerfd(2)).

#include <cstdint>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

class WakeTimer {
 public:
  static proto::Result<WakeTimer> create();

  /// Readable from @p time_ns (CLOCK_MONOTONIC) on, and not before, whatever it was.
  void set(std::int64_t time_ns);
  /// Not readable until it is set again.
  void clear();
  const UniqueFd& fd() const { return fd_; }

 private:
  UniqueFd fd_;
  bool is_set_ = false;
};

}  // namespace ferry::platform
