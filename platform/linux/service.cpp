#include "platform/service.h"

#include <systemd/sd-daemon.h>

#include <cstdint>

namespace ferry::platform {

void notify_ready(const std::string& status) { sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str()); }

void notify_stopping() { sd_notify(0, "STOPPING=1"); }

std::optional<std::chrono::microseconds> watchdog_period() {
  std::uint64_t period_us = 0;
  if (sd_watchdog_enabled(0, &period_us) <= 0) return std::nullopt;
  return std::chrono::microseconds(period_us);
}

void notify_watchdog() { sd_notify(0, "WATCHDOG=1"); }

std::vector<UniqueFd> take_activation_sockets() {
  constexpr int kUnsetEnvironment = 1;
  const int count = sd_listen_fds(kUnsetEnvironment);
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < count; ++i) sockets.emplace_back(SD_LISTEN_FDS_START + i);
  return sockets;
}

}  // namespace ferry::platform
