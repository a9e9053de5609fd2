#include "client/examples/common/pacer.h"

#include <algorithm>
#include <cmath>
#include <ctime>

#include "client/examples/common/stop_signal.h"

namespace examples {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
// A signal that lands between looking at the flag and falling asleep wakes nobody: look again this often.
constexpr std::int64_t kLongestSleepNs = kSecondNs / 4;

void sleep_until(std::int64_t time_ns) {
  const timespec until{time_ns / kSecondNs, time_ns % kSecondNs};
  clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);  // EINTR: the caller looks at the clock anyway
}

}  // namespace

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecondNs + now.tv_nsec;
}

Pacer::Pacer(double rate_hz)
    : period_ns_(rate_hz > 0 ? std::llround(static_cast<double>(kSecondNs) / rate_hz) : 0), next_ns_(monotonic_ns()) {}

bool Pacer::wait_for_next() {
  if (period_ns_ == 0) return !stop_requested();
  for (auto now_ns = monotonic_ns(); now_ns < next_ns_ && !stop_requested(); now_ns = monotonic_ns())
    sleep_until(std::min(next_ns_, now_ns + kLongestSleepNs));
  const auto missed = std::max<std::int64_t>(0, (monotonic_ns() - next_ns_) / period_ns_);
  next_ns_ += (missed + 1) * period_ns_;
  return !stop_requested();
}

}  // namespace examples
