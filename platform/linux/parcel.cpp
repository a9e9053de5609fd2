#include "platform/parcel.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "platform/linux/system_error.h"
#include "platform/linux/unix_address.h"

namespace ferry::platform {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

Error no_parcel(std::string what) { return {ErrorCode::kProtocolViolation, fmt::format("a parcel that is {}", what)}; }

int option_of(const UniqueFd& fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd.get(), SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

}  // namespace

Result<UniqueFd> pack_parcel(std::span<const std::byte> bytes, std::span<const int> fds) {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
    return system_error("socketpair for a parcel", errno);
  const UniqueFd sender{ends[0]};
  UniqueFd parcel{ends[1]};
  widen_send_buffer(sender);
  const auto sent = send_packet(sender, bytes, fds);
  if (!sent) return sent.error();
  if (*sent != SendStatus::kSent)
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} bytes do not fit a socket's buffer", bytes.size())};
  return parcel;
}

Result<Packet> unpack_parcel(const UniqueFd& parcel) {
  if (option_of(parcel, SO_DOMAIN) != AF_UNIX || option_of(parcel, SO_TYPE) != SOCK_SEQPACKET)
    return no_parcel(describe_descriptor(parcel.get()) + " of another kind");
  auto packet = receive_packet(parcel);
  if (!packet) return no_parcel(packet.error().message);
  if (packet->bytes.empty()) return no_parcel("empty");
  const auto rest = receive_packet(parcel);
  if (!rest || !rest->bytes.empty()) return no_parcel("not closed behind its message");
  return packet;
}

}  // namespace ferry::platform
