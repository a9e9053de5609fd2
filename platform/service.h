#pragma once
// What a service manager wants to hear (sd_notify(3), sd_listen_fds(3)). Does nothing where there is none.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "platform/unique_fd.h"

namespace ferry::platform {

void notify_ready(const std::string& status);
void notify_stopping();
/// How often the service manager wants to hear that we live; nothing when it does not ask (sd_watchdog_enabled(3)).
std::optional<std::chrono::microseconds> watchdog_period();
void notify_watchdog();
/// Sockets passed by socket activation, in order; empties LISTEN_FDS, so a second call has none.
std::vector<UniqueFd> take_activation_sockets();

}  // namespace ferry::platform
