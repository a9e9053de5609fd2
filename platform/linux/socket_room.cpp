#include "platform/socket_room.h"

#include "platform/linux/poll_until.h"

namespace ferry::platform {

using proto::Result;

Result<bool> wait_room(const UniqueFd& socket, std::int64_t deadline_ns) {
  pollfd room[] = {{socket.get(), POLLOUT, 0}};
  return poll_until(room, deadline_ns);
}

Result<ReadableOrRoom> wait_readable_or_room(const UniqueFd& socket, const UniqueFd& other) {
  pollfd watched[] = {{socket.get(), POLLIN | POLLOUT, 0}, {other.get(), POLLIN, 0}};
  const auto ready = poll_until(watched, -1);
  if (!ready) return ready.error();
  return ReadableOrRoom{(watched[0].revents & ~POLLOUT) != 0, (watched[0].revents & POLLOUT) != 0, watched[1].revents != 0};
}

}  // namespace ferry::platform
