#include "client/examples/viewer/frame_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <system_error>

namespace viewer {
namespace {

// Rearms add up in the eventfd's counter, and must never add up to this.
constexpr std::uint64_t kRearm = 1, kStop = std::uint64_t{1} << 32;

void send(int control_fd, std::uint64_t command) {
  // An eventfd takes these until its counter would overflow, which 2^32 rearms without one read cannot make it.
  static_cast<void>(write(control_fd, &command, sizeof(command)) == sizeof(command));
}

}  // namespace

FrameWatch::FrameWatch(int fd, std::function<void()> wake)
    : control_fd_(eventfd(0, EFD_CLOEXEC)), wake_(std::move(wake)) {
  if (control_fd_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this, fd] { run(fd); });
}

FrameWatch::~FrameWatch() {
  send(control_fd_, kStop);
  thread_.join();
  close(control_fd_);
}

void FrameWatch::rearm() const { send(control_fd_, kRearm); }

void FrameWatch::run(int fd) const {
  std::array<pollfd, 2> watched{{{control_fd_, POLLIN, 0}, {fd, POLLIN, 0}}};
  bool is_armed = true;
  for (;;) {
    if (poll(watched.data(), is_armed ? 2 : 1, -1) < 0) {
      if (errno == EINTR) continue;
      return;
    }
    if (watched[0].revents != 0) {
      std::uint64_t command = 0;
      if (read(control_fd_, &command, sizeof(command)) != sizeof(command) || command >= kStop) return;
      is_armed = true;
    } else if (is_armed && watched[1].revents != 0) {
      is_armed = false;  // until the loop has taken it: the descriptor stays readable that long
      wake_();
    }
  }
}

}  // namespace viewer
