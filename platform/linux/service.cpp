#include "platform/service.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>

#include "platform/linux/system_error.h"
#include "platform/linux/unix_address.h"

namespace ferry::platform {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

Result<SendStatus> tell(const UniqueFd& manager, const std::string& text, std::span<const int> fds) {
  return send_packet(manager, std::as_bytes(std::span(text)), fds);
}

}  // namespace

void notify_ready(const std::string& status) { sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str()); }

void notify_stopping() { sd_notify(0, "STOPPING=1"); }

std::optional<std::chrono::microseconds> watchdog_period() {
  std::uint64_t period_us = 0;
  if (sd_watchdog_enabled(0, &period_us) <= 0) return std::nullopt;
  return std::chrono::microseconds(period_us);
}

void notify_watchdog() { sd_notify(0, "WATCHDOG=1"); }

Passed take_passed(const std::function<bool(std::string_view)>& is_ours) {
  constexpr int kUnsetEnvironment = 1;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(kUnsetEnvironment, &names);
  Passed passed;
  for (int i = 0; i < count; ++i) {
    PassedFd one{names[i], UniqueFd{SD_LISTEN_FDS_START + i}};
    std::free(names[i]);
    // What is kept may be a socket, too, and a unit of sockets can have any name.
    const auto is_socket = [&](int listening) { return sd_is_socket(one.fd.get(), AF_UNSPEC, 0, listening) > 0; };
    if (is_ours(one.name) && !is_socket(1))
      passed.stored.push_back(std::move(one));
    else if (is_socket(-1))
      passed.sockets.push_back(std::move(one.fd));
    else
      passed.unknown.push_back(std::move(one));
  }
  std::free(names);
  return passed;
}

std::size_t fd_store_capacity() {
  const char* text = std::getenv("FDSTORE");
  if (text == nullptr || std::getenv("NOTIFY_SOCKET") == nullptr) return 0;
  std::size_t capacity = 0;
  const char* end = text + std::strlen(text);
  const auto [stopped, failed] = std::from_chars(text, end, capacity);
  return failed == std::errc() && stopped == end ? capacity : 0;
}

Result<UniqueFd> connect_to_manager() {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr) return Error{ErrorCode::kNoBroker, "there is no service manager: NOTIFY_SOCKET is not set"};
  auto address = unix_address(path);
  if (!address) return std::move(address).error();
  if (path[0] == '@') {  // an abstract one
    address->storage.sun_path[0] = '\0';
    --address->length;
  }
  UniqueFd manager{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!manager) return system_error("socket(AF_UNIX, SOCK_DGRAM)", errno);
  if (connect(manager.get(), address->get(), address->length) != 0)
    return system_error(fmt::format("connect to the service manager at {}", path), errno);
  return manager;
}

Result<SendStatus> store_fd(const UniqueFd& manager, const std::string& name, const UniqueFd& fd) {
  // FDPOLL=0 (systemd 246): a descriptor that looks hung up is kept all the same.
  const int number = fd.get();
  return tell(manager, fmt::format("FDSTORE=1\nFDPOLL=0\nFDNAME={}", name), {&number, 1});
}

Result<SendStatus> unstore_fds(const UniqueFd& manager, const std::string& name) {
  return tell(manager, fmt::format("FDSTOREREMOVE=1\nFDNAME={}", name), {});
}

}  // namespace ferry::platform
