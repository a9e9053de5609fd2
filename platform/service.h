#pragma once
// What a service manager wants to hear, passes and keeps (sd_notify(3), sd_listen_fds(3)). Does nothing where there is
// none.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/message_socket.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

void notify_ready(const std::string& status);
void notify_stopping();
/// How often the service manager wants to hear that we live; nothing when it does not ask (sd_watchdog_enabled(3)).
std::optional<std::chrono::microseconds> watchdog_period();
void notify_watchdog();

struct PassedFd {
  std::string name;
  UniqueFd fd;
};
/// What LISTEN_FDS brings.
struct Passed {
  std::vector<UniqueFd> sockets;  ///< of socket activation, in order
  std::vector<PassedFd> stored;   ///< what the manager kept for us
  std::vector<PassedFd> unknown;  ///< neither: its user says so and lets it go
};
/// Empties LISTEN_FDS, so a second call has none. @p is_ours: whether we gave a name to the manager's store.
Passed take_passed(const std::function<bool(std::string_view)>& is_ours);

/// How many descriptors the manager keeps for us ($FDSTORE); 0: there is no manager, or it keeps none.
std::size_t fd_store_capacity();
/// To the manager that keeps descriptors, for the calls below. kNoBroker when there is none ($NOTIFY_SOCKET).
proto::Result<UniqueFd> connect_to_manager();
/// Neither waits for the manager: kWouldBlock when it has not read what it was told before (once_writable then).
/// The manager keeps @p fd, borrowed here, as @p name (its kind of name: no ':', at most 255 bytes), through our end and into our
/// next life. It does not look at it.
proto::Result<SendStatus> store_fd(const UniqueFd& manager, const std::string& name, const UniqueFd& fd);
/// All that has this name.
proto::Result<SendStatus> unstore_fds(const UniqueFd& manager, const std::string& name);

}  // namespace ferry::platform
