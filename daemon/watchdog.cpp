#include "daemon/watchdog.h"

#include <algorithm>

#include "platform/service.h"

namespace ferry::daemon {

proto::Result<std::unique_ptr<Watchdog>> Watchdog::start(boost::asio::io_context& io) {
  const auto period = platform::watchdog_period();
  if (!period) return std::unique_ptr<Watchdog>{};
  auto watchdog = std::make_unique<Watchdog>();
  watchdog->pause_ = std::max(std::chrono::milliseconds(1), std::chrono::duration_cast<std::chrono::milliseconds>(*period / 2));
  auto timer = Timer::create(io, [raw = watchdog.get()] { raw->tell(); });
  if (!timer) return std::move(timer).error();
  watchdog->timer_ = std::move(*timer);
  watchdog->timer_->arm(watchdog->pause_);
  return watchdog;
}

void Watchdog::tell() {
  platform::notify_watchdog();
  timer_->arm(pause_);
}

}  // namespace ferry::daemon
