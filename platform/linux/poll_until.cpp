#include "platform/linux/poll_until.h"

#include <algorithm>
#include <cerrno>
#include <ctime>

#include "platform/clock.h"
#include "platform/linux/system_error.h"

namespace ferry::platform {

proto::Result<bool> poll_until(std::span<pollfd> watched, std::int64_t deadline_ns) {
  for (;;) {
    timespec left{};
    if (deadline_ns >= 0) {
      const std::int64_t left_ns = std::max<std::int64_t>(0, deadline_ns - now_ns());
      left = {static_cast<time_t>(left_ns / 1'000'000'000), static_cast<long>(left_ns % 1'000'000'000)};
    }
    const int ready = ppoll(watched.data(), watched.size(), deadline_ns < 0 ? nullptr : &left, nullptr);
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return system_error("ppoll", errno);
    for (const pollfd& one : watched)
      if ((one.revents & POLLNVAL) != 0) return system_error("ppoll", EBADF);
    return ready > 0;
  }
}

}  // namespace ferry::platform
