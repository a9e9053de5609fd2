#include "platform/wait_set.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/clock.h"

namespace ferry::platform {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<WaitSet> WaitSet::create() {
  WaitSet set;
  set.epoll_ = UniqueFd{epoll_create1(EPOLL_CLOEXEC)};
  if (!set.epoll_) return Error{ErrorCode::kSystem, fmt::format("epoll_create1: {}", std::strerror(errno))};
  return set;
}

Result<void> WaitSet::add(const UniqueFd& fd, std::uint64_t key) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = key;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0)
    return Error{ErrorCode::kSystem, fmt::format("epoll_ctl(ADD, {}): {}", fd.get(), std::strerror(errno))};
  return {};
}

void WaitSet::remove(const UniqueFd& fd) { epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd.get(), nullptr); }

WaitSet::Ready WaitSet::wait(std::int64_t deadline_ns) const {
  std::array<epoll_event, kMaxReady> events;
  Ready ready;
  for (;;) {
    int timeout_ms = -1;
    if (deadline_ns >= 0) {
      const std::int64_t left_ns = std::max<std::int64_t>(0, deadline_ns - now_ns());
      // Rounded up: waking early would only mean another look.
      timeout_ms = static_cast<int>(std::min<std::int64_t>((left_ns + 999'999) / 1'000'000, 1'000'000'000));
    }
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms);
    if (count < 0 && errno == EINTR) continue;
    for (int i = 0; i < count; ++i) ready.keys[ready.count++] = events[static_cast<std::size_t>(i)].data.u64;
    return ready;
  }
}

}  // namespace ferry::platform
