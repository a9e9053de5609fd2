#include <sys/socket.h>

#include <cerrno>

#include "platform/linux/system_error.h"
#include "platform/message_socket.h"

namespace ferry::platform {

proto::Result<ChannelPair> create_channel() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return system_error("socketpair for a lease's channel", errno);
  ChannelPair pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  // One ring says as much as a hundred: the smallest buffer the kernel gives keeps a sleeper's backlog short.
  const int smallest = 1;
  for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
  return pair;
}

void ring_channel(const UniqueFd& channel) {
  const char ring = 1;
  // EAGAIN: full, so rung already. EPIPE: the other end is gone, and the broker says so in its own time.
  [[maybe_unused]] const ssize_t sent = send(channel.get(), &ring, sizeof ring, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool drain_channel(const UniqueFd& channel) {
  // A peer that rings faster than we read must not keep us here; the descriptor stays readable for the next round.
  constexpr int kMaxRings = 64;
  for (int i = 0; i < kMaxRings; ++i) {
    char ring = 0;
    // Without room for control data: descriptors that a hostile peer attaches are dropped by the kernel.
    const ssize_t got = recv(channel.get(), &ring, sizeof ring, MSG_DONTWAIT);
    if (got == 0) return false;
    if (got < 0 && errno == EAGAIN) return true;
    if (got < 0 && errno != EINTR) return false;
  }
  return true;
}

}  // namespace ferry::platform
