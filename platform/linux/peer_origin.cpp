#include "platform/linux/peer_origin.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <optional>

#include "platform/linux/system_error.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

constexpr std::size_t kMaxFileBytes = 16 * 1024;

bool is_gone(const UniqueFd& pidfd) {
  pollfd watched{pidfd.get(), POLLIN, 0};
  return poll(&watched, 1, 0) != 0;
}

/// Non-blocking: a stranger chose what lies at this path.
std::string read_file_at(const UniqueFd& folder, const char* path, int flags) {
  const UniqueFd file{openat(folder.get(), path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags)};
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string text(kMaxFileBytes, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return text;
}

std::string read_link_at(const UniqueFd& folder, const char* path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = readlinkat(folder.get(), path, target.data(), target.size());
  if (length <= 0 || static_cast<std::size_t>(length) == target.size()) return {};
  return {target.data(), static_cast<std::size_t>(length)};
}

/// Which user namespace a process is in, if we may know.
std::optional<ino_t> user_namespace(int folder, const char* path) {
  struct stat info {};
  if (fstatat(folder, path, &info, 0) != 0) return std::nullopt;
  return info.st_ino;
}

/// What keeps the process in: an application of Flatpak's, or a user namespace that is not ours.
std::string sandbox_of(const UniqueFd& process) {
  const UniqueFd root{openat(process.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (root) {
    struct stat info {};
    if (fstatat(root.get(), ".flatpak-info", &info, AT_SYMLINK_NOFOLLOW) == 0) {
      const std::string application = flatpak_application(read_file_at(root, ".flatpak-info", O_NOFOLLOW));
      return application.empty() ? "flatpak" : application;
    }
  }
  const auto theirs = user_namespace(process.get(), "ns/user");
  const auto ours = user_namespace(AT_FDCWD, "/proc/self/ns/user");
  return theirs && ours && *theirs != *ours ? "user-namespace" : "";
}

}  // namespace

std::string unit_of_cgroup(std::string_view text) {
  // "0::/user.slice/user-1000.slice/user@1000.service/app.slice/obs.service/sub": the last component that is a unit.
  std::string unit;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    const bool unified = line.starts_with("0::");
    const bool systemd = line.find(":name=systemd:") != std::string_view::npos;
    const std::size_t path = line.find('/');
    if ((!unified && !systemd) || path == std::string_view::npos) continue;
    std::string_view left = line.substr(path + 1);
    std::string found;
    while (!left.empty()) {
      const std::size_t slash = left.find('/');
      const std::string_view part = left.substr(0, slash);
      left.remove_prefix(slash == std::string_view::npos ? left.size() : slash + 1);
      if (part.ends_with(".service") || part.ends_with(".scope")) found = part;
    }
    if (!found.empty()) unit = found;
  }
  return unit;
}

std::string flatpak_application(std::string_view text) {
  bool in_application = false;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.starts_with('['))
      in_application = line == "[Application]" || line == "[Runtime]";
    else if (in_application && line.starts_with("name="))
      return std::string(line.substr(5));
  }
  return {};
}

std::string sandbox_of_unit(std::string_view unit) {
  constexpr std::string_view kFlatpak = "app-flatpak-", kSnap = "snap.";
  if (unit.starts_with(kFlatpak)) {
    unit.remove_prefix(kFlatpak.size());
    return std::string(unit.substr(0, unit.rfind('-')));  // "org.example.Game-4211.scope"
  }
  if (unit.starts_with(kSnap)) return std::string(unit.substr(0, unit.find('.', kSnap.size())));
  return {};
}

std::vector<gid_t> peer_groups(const UniqueFd& connection) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
      groups.resize(length / sizeof(gid_t));
      return groups;
    }
    if (errno != ERANGE || length <= groups.size() * sizeof(gid_t)) return {};
    groups.resize(length / sizeof(gid_t));
  }
}

Result<PeerOrigin> read_peer_origin(const UniqueFd& pidfd, pid_t pid) {
  const UniqueFd process{open(fmt::format("/proc/{}", pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (is_gone(pidfd)) return Error{ErrorCode::kDisconnected, fmt::format("process {} that connected is gone", pid)};
  if (!process) return PeerOrigin{};  // hidden from us
  PeerOrigin origin;
  origin.executable = read_link_at(process, "exe");
  origin.unit = unit_of_cgroup(read_file_at(process, "cgroup", 0));
  origin.sandbox = sandbox_of(process);
  if (origin.sandbox.empty()) origin.sandbox = sandbox_of_unit(origin.unit);
  return origin;
}

}  // namespace ferry::platform
