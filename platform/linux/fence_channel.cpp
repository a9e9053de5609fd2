#include "platform/fence_channel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "platform/linux/system_error.h"
#include "platform/sync_file.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::FenceMessage;
using proto::Result;

/// Room for one descriptor, if its length is CMSG_LEN: the kernel drops what is beyond it, and says so.
struct Control {
  alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
};

UniqueFd descriptor_of(msghdr& header) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    int fd = -1;
    std::memcpy(&fd, CMSG_DATA(part), sizeof fd);
    return UniqueFd(fd);
  }
  return {};
}

Error violation(std::string what) { return {ErrorCode::kProtocolViolation, std::move(what)}; }

}  // namespace

Result<FenceChannelPair> create_fence_channel() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return system_error("socketpair for a lease's fences", errno);
  FenceChannelPair pair{UniqueFd{ends[0]}, UniqueFd{ends[1]}};
  const int smallest = 1;
  for (const int end : ends) setsockopt(end, SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
  return pair;
}

bool send_fence(const UniqueFd& channel, const FenceMessage& message, const UniqueFd& fence) {
  iovec data{const_cast<FenceMessage*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  Control control{};
  if (fence) {
    header.msg_control = control.bytes;
    header.msg_controllen = sizeof control.bytes;
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof(int));
    const int fd = fence.get();
    std::memcpy(CMSG_DATA(part), &fd, sizeof fd);
  }
  ssize_t sent = -1;
  do sent = sendmsg(channel.get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

Result<std::optional<ReceivedFence>> receive_fence(const UniqueFd& channel) {
  for (;;) {
    ReceivedFence received;
    // A byte more than a message has: one that is longer is seen to be.
    char bytes[sizeof(FenceMessage) + 1];
    iovec data{bytes, sizeof bytes};
    Control control{};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_LEN(sizeof(int));
    const ssize_t length = recvmsg(channel.get(), &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0 && errno == EAGAIN) return std::optional<ReceivedFence>();
    if (length < 0 && errno != ECONNRESET) return system_error("recvmsg of a fence", errno);
    if (length <= 0) return Error{ErrorCode::kDisconnected, "the other end of a fence channel is closed"};
    received.fence = descriptor_of(header);
    if (static_cast<std::size_t>(length) != sizeof(FenceMessage))
      return violation(fmt::format("a fence's message has {} bytes instead of {}", length, sizeof(FenceMessage)));
    std::memcpy(&received.message, bytes, sizeof received.message);
    if (received.message.reserved != 0) return violation("a fence's message has something in what is reserved");
    if ((header.msg_flags & MSG_CTRUNC) != 0) {
      if (received.fence) return violation("a fence's message came with more than one descriptor");
      return std::optional<ReceivedFence>();  // no room for it in this process
    }
    if (received.fence)
      if (auto state = fence_state(received.fence); !state) return std::move(state).error();
    return std::optional(std::move(received));
  }
}

}  // namespace ferry::platform
