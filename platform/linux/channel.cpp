#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "platform/linux/system_error.h"
#include "platform/message_socket.h"

#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83
#endif

namespace ferry::platform {

proto::Result<ChannelPair> create_channel() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return system_error("socketpair for a lease's channel", errno);
  ChannelPair pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  // One ring says as much as a hundred: the smallest buffer the kernel gives keeps a sleeper's backlog short.
  const int smallest = 1;
  // And no descriptors: closing them would be the reader's work, for as long as the ringer likes. Linux before 6.16 has no
  // such option.
  const int nothing = 0;
  for (const int end : ends) {
    setsockopt(end, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
    setsockopt(end, SOL_SOCKET, SO_PASSRIGHTS, &nothing, sizeof nothing);
  }
  return pair;
}

void ring_channel(const UniqueFd& channel) {
  const char ring = 1;
  // EAGAIN: full, so rung already. EPIPE: the other end is gone, and the broker says so in its own time.
  [[maybe_unused]] const ssize_t sent = send(channel.get(), &ring, sizeof ring, MSG_DONTWAIT | MSG_NOSIGNAL);
}

bool drain_channel(const UniqueFd& channel) {
  // One system call, however often it was rung. A peer that rings faster than we read must not keep us here: the
  // descriptor stays readable for the next round.
  constexpr std::size_t kMaxRings = 64;
  // Without room for control data: descriptors that a hostile peer attaches are dropped by the kernel.
  char rings[kMaxRings];
  iovec places[kMaxRings];
  mmsghdr messages[kMaxRings] = {};
  for (std::size_t i = 0; i < kMaxRings; ++i) {
    places[i] = {&rings[i], 1};
    messages[i].msg_hdr.msg_iov = &places[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = recvmmsg(channel.get(), messages, kMaxRings, MSG_DONTWAIT, nullptr);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  return std::none_of(messages, messages + got, [](const mmsghdr& m) { return m.msg_len == 0; });  // 0: hung up
}

}  // namespace ferry::platform
