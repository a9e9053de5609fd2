#include <unistd.h>

#include <cstdlib>

#include "platform/listener.h"

namespace ferry::platform {
namespace {

constexpr const char* kSystemSocket = "/run/ferry/ferryd.sock";

bool exists(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

/// Empty counts as unset, and neither is heeded in a set-uid program.
std::string environment(const char* name) {
  const char* value = secure_getenv(name);
  return value != nullptr ? value : "";
}

}  // namespace

std::string default_socket_path(bool for_client) {
  if (const std::string named = environment("FERRY_SOCKET"); !named.empty()) return named;
  const std::string runtime_dir = environment("XDG_RUNTIME_DIR");
  if (runtime_dir.empty()) return kSystemSocket;
  const std::string user_socket = runtime_dir + "/ferry/ferryd.sock";
  const bool only_system = for_client && !exists(user_socket) && exists(kSystemSocket);
  return only_system ? kSystemSocket : user_socket;
}

}  // namespace ferry::platform
