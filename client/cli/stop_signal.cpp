#include "client/cli/stop_signal.h"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <cerrno>

namespace ferry::cli {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

StopSignal::StopSignal() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  // Waiting for a signal gets it even if it is ignored, and under nohup it has to stay so.
  struct sigaction hang_up {};
  sigaction(SIGHUP, nullptr, &hang_up);
  if (hang_up.sa_handler != SIG_IGN) sigaddset(&signals_, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

StopSignal::~StopSignal() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

bool StopSignal::wait_until(std::int64_t deadline_ns) {
  // sigtimedwait, not clock_nanosleep: a signal that arrives between a check and the sleep would be slept through.
  while (!requested_) {
    const std::int64_t left = std::max<std::int64_t>(deadline_ns - monotonic_ns(), 0);
    const timespec timeout{left / kSecond, left % kSecond};
    if (sigtimedwait(&signals_, nullptr, &timeout) > 0) {
      requested_ = true;
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

}  // namespace ferry::cli
