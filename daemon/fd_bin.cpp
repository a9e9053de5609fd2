#include "daemon/fd_bin.h"

#include <system_error>
#include <thread>
#include <utility>

#include "platform/clock.h"
#include "platform/thread_name.h"

namespace ferry::daemon {
namespace {

constexpr std::int64_t kLongForACloseNs = 500'000'000;

}  // namespace

void FdBin::take(platform::UniqueFd fd) {
  if (!fd) return;
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(fd));
  ++held_;
  start();
}

void FdBin::take(std::vector<platform::UniqueFd> fds) {
  for (platform::UniqueFd& fd : fds) take(std::move(fd));
}

bool FdBin::is_clogged() const {
  const std::size_t held = held_;
  if (held < kMostThatWait) return false;
  const std::int64_t since_ns = closing_since_ns_;
  return held >= kMost || (since_ns != 0 && platform::now_ns() - since_ns > kLongForACloseNs);
}

void FdBin::start() {
  if (running_) return;
  try {
    std::thread([self = shared_from_this()] { self->run(); }).detach();
    running_ = true;
  } catch (const std::system_error&) {
    // They wait for the next one, and are counted meanwhile.
  }
}

void FdBin::run() {
  platform::name_this_thread("ferry-close");
  for (;;) {
    std::vector<platform::UniqueFd> fds;
    {
      const std::lock_guard lock(mutex_);
      if (waiting_.empty()) {
        running_ = false;
        return;
      }
      fds.swap(waiting_);
    }
    for (platform::UniqueFd& fd : fds) close(std::move(fd));
  }
}

void FdBin::close(platform::UniqueFd fd) {
  closing_since_ns_ = platform::now_ns();
  fd.reset();
  closing_since_ns_ = 0;
  --held_;
}

}  // namespace ferry::daemon
