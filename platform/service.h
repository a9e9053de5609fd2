#pragma once
// What a service manager wants to hear (sd_notify(3), sd_listen_fds(3)). Does nothing where there is none.

#include <string>
#include <vector>

#include "platform/unique_fd.h"

namespace ferry::platform {

void notify_ready(const std::string& status);
void notify_stopping();
/// Sockets passed by socket activation, in order; empties LISTEN_FDS, so a second call has none.
std::vector<UniqueFd> take_activation_sockets();

}  // namespace ferry::platform
