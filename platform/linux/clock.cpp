#include "platform/clock.h"

#include <ctime>
#include <limits>

namespace ferry::platform {

std::int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::int64_t deadline_after(std::int64_t timeout_ns) {
  if (timeout_ns < 0) return -1;
  const std::int64_t now = now_ns();
  constexpr std::int64_t kLast = std::numeric_limits<std::int64_t>::max();
  return timeout_ns > kLast - now ? kLast : now + timeout_ns;
}

}  // namespace ferry::platform
