#pragma once
// One call after a while. Not Asio's timers: after the first of those the reactor wakes up now and then for ever, and a
// broker with nothing to do shall do nothing.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>

#include "daemon/fd_watch.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Nothing of it is left, in the loop or in the kernel, once it is destroyed.
class Timer {
 public:
  /// @p callback may destroy the timer.
  static proto::Result<std::unique_ptr<Timer>> create(boost::asio::io_context& io, std::function<void()> callback);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  /// Calls back once, @p after from now; forgets what it was armed for before. Needs no new descriptor.
  void arm(std::chrono::milliseconds after);

 private:
  Timer() = default;

  platform::UniqueFd fd_;
  std::optional<FdWatch> watch_;  // after fd_, which it borrows
};

}  // namespace ferry::daemon
