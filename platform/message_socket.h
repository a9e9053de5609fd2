#pragma once
// The control plane's socket: SOCK_SEQPACKET, one message a packet, descriptors beside it (unix(7), SCM_RIGHTS).

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

struct Packet {
  std::vector<std::byte> bytes;  ///< empty: the peer has closed
  std::vector<UniqueFd> fds;     ///< close-on-exec
};

enum class SendStatus : std::uint8_t { kSent, kWouldBlock };

/// Sends one packet without blocking. @p fds are borrowed. kDisconnected when the peer is gone (no SIGPIPE),
/// kInvalidArgument above kMaxMessageBytes or kMaxMessageFds.
proto::Result<SendStatus> send_packet(const UniqueFd& socket, std::span<const std::byte> bytes,
                                      std::span<const int> fds);

/// The same for a peer that reads in its own time (a client's side): waits for room until @p deadline_ns
/// (CLOCK_MONOTONIC), then kTimeout.
proto::Result<void> send_packet_before(const UniqueFd& socket, std::span<const std::byte> bytes,
                                       std::span<const int> fds, std::int64_t deadline_ns);

/// Receives one packet without blocking. kWouldBlock when there is none; kProtocolViolation when bytes or control data
/// were truncated (every descriptor that came is closed).
proto::Result<Packet> receive_packet(const UniqueFd& socket);

/// The same for who must not wait for a close(2), which a peer can delay (platform/fd_kind.h): every descriptor that came is
/// added to @p fds, also when the message is refused. Empty: the peer has closed.
proto::Result<std::vector<std::byte>> receive_packet(const UniqueFd& socket, std::vector<UniqueFd>& fds);

/// The peer reads the end after what was sent, and can send no more; what it has sent stays in the socket.
void hang_up(const UniqueFd& socket);

/// Blocks until @p socket (or, if valid, @p other) is readable, or @p deadline_ns (negative: none). True when @p socket is.
struct Readable { bool socket = false, other = false; };
proto::Result<Readable> wait_readable(const UniqueFd& socket, const UniqueFd& other, std::int64_t deadline_ns);

/// Connects to a broker. kNoBroker (nothing there, or nobody listens), kPermissionDenied, kInvalidArgument when the path
/// does not fit sockaddr_un (the message has length and limit 107).
proto::Result<UniqueFd> connect_to(const std::string& path);

/// The doorbell between a producer and one consumer: a pair of SEQPACKET sockets. Not an eventfd: O_NONBLOCK belongs to
/// the shared open file description, so a hostile peer could make the other's write block; MSG_DONTWAIT is the caller's.
struct ChannelPair { UniqueFd producer_end, consumer_end; };
proto::Result<ChannelPair> create_channel();
/// Rings: one system call, never blocks; a full channel is rung already, a closed one is the kernel's business.
void ring_channel(const UniqueFd& channel);
/// Empties what was rung. Returns false when the other end is closed.
bool drain_channel(const UniqueFd& channel);

}  // namespace ferry::platform
