#include "platform/linux/unix_address.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "platform/linux/system_error.h"
#include "proto/limits.h"

namespace ferry::platform {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<UnixAddress> unix_address(const std::string& path) {
  constexpr std::size_t kMaxPathBytes = sizeof(sockaddr_un{}.sun_path) - 1;
  if (path.empty()) return Error{ErrorCode::kInvalidArgument, "socket path is empty"};
  if (path.find('\0') != std::string::npos)
    return Error{ErrorCode::kInvalidArgument, "socket path contains a NUL byte"};
  if (path.size() > kMaxPathBytes)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("socket path '{}' has {} bytes; the limit is {}", path, path.size(), kMaxPathBytes)};
  UnixAddress address;
  address.storage.sun_family = AF_UNIX;
  std::memcpy(address.storage.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  return address;
}

Result<UniqueFd> open_message_socket(int flags) {
  UniqueFd fd{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)};
  if (!fd) return system_error("socket(AF_UNIX, SOCK_SEQPACKET)", errno);
  return fd;
}

void widen_send_buffer(const UniqueFd& connection) {
  // The kernel refuses a packet greater than the buffer; its default, and its ceiling for us, hold one. Whatever it
  // grants beyond that is welcome.
  const int wanted_bytes = 4 * static_cast<int>(proto::kMaxMessageBytes);
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDBUF, &wanted_bytes, sizeof wanted_bytes);
}

}  // namespace ferry::platform
