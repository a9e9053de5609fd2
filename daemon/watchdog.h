#pragma once
// Tells the service manager that the loop turns, if it asked to be told.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>

#include "daemon/timer.h"
#include "proto/result.h"

namespace ferry::daemon {

class Watchdog {
 public:
  /// Twice in every period; nullptr where nobody asked. It is the loop that speaks: one that hangs is silent.
  static proto::Result<std::unique_ptr<Watchdog>> start(boost::asio::io_context& io);

 private:
  void tell();

  std::chrono::milliseconds pause_{};
  std::unique_ptr<Timer> timer_;
};

}  // namespace ferry::daemon
