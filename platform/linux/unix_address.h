#pragma once
// Unix sockets by path, as connect_to() and Listener both need them.

#include <sys/socket.h>
#include <sys/un.h>

#include <string>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

struct UnixAddress {
  sockaddr_un storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

/// kInvalidArgument when @p path is empty, contains NUL or is longer than sockaddr_un can say.
proto::Result<UnixAddress> unix_address(const std::string& path);

/// A close-on-exec SEQPACKET socket; @p flags as socket(2)'s type has them.
proto::Result<UniqueFd> open_message_socket(int flags);

/// Lets a connection queue several messages of the greatest size.
void widen_send_buffer(const UniqueFd& connection);

}  // namespace ferry::platform
