#include "platform/wake_timer.h"

#include <sys/timerfd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "platform/linux/system_error.h"

namespace ferry::platform {

proto::Result<WakeTimer> WakeTimer::create() {
  WakeTimer timer;
  timer.fd_ = UniqueFd{::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)};
  if (!timer.fd_) return system_error("timerfd_create", errno);
  return timer;
}

void WakeTimer::set(std::int64_t time_ns) {
  // All zero would clear it.
  const std::int64_t at_ns = std::max<std::int64_t>(1, time_ns);
  itimerspec when{};
  when.it_value.tv_sec = at_ns / 1'000'000'000;
  when.it_value.tv_nsec = at_ns % 1'000'000'000;
  ::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr);
  is_set_ = true;
}

void WakeTimer::clear() {
  if (!std::exchange(is_set_, false)) return;
  const itimerspec never{};
  ::timerfd_settime(fd_.get(), 0, &never, nullptr);  // what it had to say is forgotten, too
}

}  // namespace ferry::platform
