#include "platform/message_socket.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "platform/linux/poll_until.h"
#include "platform/linux/system_error.h"
#include "proto/limits.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::kMaxMessageBytes;
using proto::kMaxMessageFds;
using proto::Result;

/// SCM_MAX_FD: what the kernel lets anybody send. Descriptors that there is no room for it closes itself, in the receiver's
/// time: so there always is.
constexpr std::size_t kMostOfAnyMessage = 253;
static_assert(kMaxMessageFds <= kMostOfAnyMessage);

/// Room for the control data of a message with the most descriptors, aligned as cmsghdr wants it.
struct ControlBuffer {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int) * kMostOfAnyMessage)> bytes;
};

void put_descriptors(msghdr& message, ControlBuffer& control, std::span<const int> fds) {
  control.bytes.fill(std::byte{0});
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_SPACE(fds.size_bytes());
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(fds.size_bytes());
  std::memcpy(CMSG_DATA(header), fds.data(), fds.size_bytes());
}

/// Owns every descriptor that came, whatever else is wrong with the message.
void take_descriptors(msghdr& message, std::vector<UniqueFd>& fds) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof fd);
      fds.emplace_back(fd);
    }
  }
}

/// The control data was cut: this process can open no more.
Error descriptors_cut(std::size_t received) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return {
      ErrorCode::kLimitExceeded,
      fmt::format("only {} of a message's descriptors could be opened; RLIMIT_NOFILE is {}", received, limit.rlim_cur)};
}

/// recvmsg(2), never blocking. ECONNRESET (the peer closed without having read all of ours) is reported once, and what
/// it sent before, a Goodbye for instance, comes after it: so look again.
ssize_t receive(const UniqueFd& socket, msghdr& message, int flags) {
  for (;;) {
    const ssize_t length = recvmsg(socket.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC | flags);
    if (length < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    return length;
  }
}

/// Length of the next packet, 0 at the end. Lets the packet be received into memory of its own size.
ssize_t next_packet_length(const UniqueFd& socket) {
  msghdr nothing{};
  return receive(socket, nothing, MSG_PEEK | MSG_TRUNC);
}

}  // namespace

Result<SendStatus> send_packet(const UniqueFd& socket, std::span<const std::byte> bytes, std::span<const int> fds) {
  if (bytes.empty() || bytes.size() > kMaxMessageBytes)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("message of {} bytes; the limits are 1 and {}", bytes.size(), kMaxMessageBytes)};
  if (fds.size() > kMaxMessageFds)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("message with {} descriptors exceeds the limit {}", fds.size(), kMaxMessageFds)};
  iovec data{const_cast<std::byte*>(bytes.data()), bytes.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  ControlBuffer control;
  if (!fds.empty()) put_descriptors(message, control, fds);
  for (;;) {
    if (sendmsg(socket.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return SendStatus::kSent;
    switch (errno) {
      case EINTR:
        continue;
      case EAGAIN:
        return SendStatus::kWouldBlock;
      case EPIPE:
      case ECONNRESET:
      case ECONNREFUSED:
      case ENOTCONN:
        return Error{ErrorCode::kDisconnected, "the peer has closed the connection"};
      default:
        return system_error(fmt::format("sendmsg of {} bytes and {} descriptors", bytes.size(), fds.size()), errno);
    }
  }
}

Result<std::vector<std::byte>> receive_packet(const UniqueFd& socket, std::vector<UniqueFd>& fds) {
  const ssize_t length = next_packet_length(socket);
  if (length < 0 && errno == EAGAIN) return Error{ErrorCode::kWouldBlock, "no message has arrived"};
  if (length < 0) return system_error("recvmsg", errno);

  std::vector<std::byte> bytes(std::min(static_cast<std::size_t>(length), kMaxMessageBytes));
  iovec data{bytes.data(), bytes.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t received = receive(socket, message, 0);
  if (received < 0) return system_error("recvmsg", errno);
  const std::size_t before = fds.size();
  take_descriptors(message, fds);
  const std::size_t came = fds.size() - before;
  if ((message.msg_flags & MSG_TRUNC) != 0)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("message of {} bytes exceeds the limit {}", length, kMaxMessageBytes)};
  if (came > kMaxMessageFds)
    return Error{ErrorCode::kProtocolViolation, fmt::format("message with more than {} descriptors", kMaxMessageFds)};
  if ((message.msg_flags & MSG_CTRUNC) != 0) return descriptors_cut(came);
  bytes.resize(static_cast<std::size_t>(received));
  return bytes;
}

Result<Packet> receive_packet(const UniqueFd& socket) {
  Packet packet;
  auto bytes = receive_packet(socket, packet.fds);
  if (!bytes) return std::move(bytes).error();
  packet.bytes = std::move(*bytes);
  if (packet.bytes.empty()) packet.fds.clear();
  return packet;
}

void hang_up(const UniqueFd& socket) { shutdown(socket.get(), SHUT_RDWR); }

Result<void> send_packet_before(const UniqueFd& socket, std::span<const std::byte> bytes, std::span<const int> fds,
                                std::int64_t deadline_ns) {
  for (;;) {
    const auto sent = send_packet(socket, bytes, fds);
    if (!sent) return sent.error();
    if (*sent == SendStatus::kSent) return {};
    pollfd room[] = {{socket.get(), POLLOUT, 0}};
    const auto ready = poll_until(room, deadline_ns);
    if (!ready) return ready.error();
    if (!*ready) return Error{ErrorCode::kTimeout, "the peer has not read its messages in time"};
  }
}

Result<Readable> wait_readable(const UniqueFd& socket, const UniqueFd& other, std::int64_t deadline_ns) {
  pollfd watched[] = {{socket.get(), POLLIN, 0}, {other.get(), POLLIN, 0}};
  const auto ready = poll_until(watched, deadline_ns);
  if (!ready) return ready.error();
  return Readable{watched[0].revents != 0, watched[1].revents != 0};
}

}  // namespace ferry::platform
