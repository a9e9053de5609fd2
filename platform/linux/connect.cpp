#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>

#include "platform/linux/system_error.h"
#include "platform/linux/unix_address.h"
#include "platform/message_socket.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

/// connect() sleeps while the broker's queue of connections is full; a broker that is stopped never empties it.
constexpr int kConnectTimeoutS = 5;

Error connect_error(const std::string& path, int error_number) {
  switch (error_number) {
    case ENOENT:
    case ENOTDIR:
    case ECONNREFUSED:
      return {ErrorCode::kNoBroker,
              fmt::format("no broker at '{}': start one with `ferryd` (or `systemctl --user start ferryd`)", path)};
    case EPROTOTYPE:
      return {ErrorCode::kNoBroker,
              fmt::format("no broker at '{}': what listens there is not a SOCK_SEQPACKET socket", path)};
    case EAGAIN:
      return {ErrorCode::kTimeout,
              fmt::format("the broker at '{}' has accepted no connection for {} s", path, kConnectTimeoutS)};
    default:
      return system_error(fmt::format("connect to '{}'", path), error_number);
  }
}

/// Not retried on EINTR alone: a signal interrupts only the sleep for a place in the queue, so trying again is safe.
int connect_retrying(int fd, const UnixAddress& address) {
  for (;;) {
    if (connect(fd, address.get(), address.length) == 0) return 0;
    if (errno != EINTR) return errno;
  }
}

}  // namespace

Result<UniqueFd> connect_to(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return address.error();
  auto socket = open_message_socket(0);
  if (!socket) return socket;
  widen_send_buffer(*socket);
  const timeval timeout{kConnectTimeoutS, 0};
  setsockopt(socket->get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (const int error = connect_retrying(socket->get(), *address); error != 0) return connect_error(path, error);
  return socket;
}

}  // namespace ferry::platform
