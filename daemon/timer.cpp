#include "daemon/timer.h"

#include <fmt/format.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;

proto::Result<std::unique_ptr<Timer>> Timer::create(boost::asio::io_context& io, std::function<void()> callback) {
  std::unique_ptr<Timer> timer(new Timer);
  timer->fd_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  if (!timer->fd_) return Error{ErrorCode::kSystem, fmt::format("timerfd_create: {}", std::strerror(errno))};
  auto watch = FdWatch::create(io, timer->fd_);
  if (!watch) return std::move(watch).error();
  timer->watch_.emplace(std::move(*watch));
  timer->watch_->on_readable([raw = timer.get(), call = std::move(callback)] {
    std::uint64_t expirations = 0;
    // Nothing to read: it was armed anew in the meantime.
    if (read(raw->fd_.get(), &expirations, sizeof expirations) == sizeof expirations) call();
  });
  return timer;
}

void Timer::arm(std::chrono::milliseconds after) {
  assert(after > std::chrono::milliseconds::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(after);
  itimerspec when{};
  when.it_value.tv_sec = seconds.count();
  when.it_value.tv_nsec = std::chrono::nanoseconds(after - seconds).count();
  [[maybe_unused]] const int rc = timerfd_settime(fd_.get(), 0, &when, nullptr);
  assert(rc == 0);
}

}  // namespace ferry::daemon
