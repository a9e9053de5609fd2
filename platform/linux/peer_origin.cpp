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

/// What a look into /proc brought; nothing where the kernel does not show it.
template <class T>
using Seen = Result<std::optional<T>>;

/// Of a look that failed. An Error when we are short of something ourselves, and would see more at another time.
template <class T>
Seen<T> unseen(std::string_view what, int error) {
  if (error == EMFILE || error == ENFILE || error == ENOMEM)
    return system_error(fmt::format("'{}' of a process that connected", what), error);
  return std::optional<T>();
}

/// Non-blocking: a stranger chose what lies at this path.
Seen<std::string> read_file_at(int folder, const char* path, int flags) {
  const UniqueFd file{openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags)};
  struct stat info {};
  if (!file || fstat(file.get(), &info) != 0) return unseen<std::string>(path, errno);
  if (!S_ISREG(info.st_mode)) return std::optional<std::string>();
  std::string text(kMaxFileBytes, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = read(file.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unseen<std::string>(path, errno);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  return std::optional(std::move(text));
}

/// "" where the kernel does not show it.
Result<std::string> read_link_at(const UniqueFd& folder, const char* path) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = readlinkat(folder.get(), path, target.data(), target.size());
  if (length < 0)
    if (auto hidden = unseen<std::string>(path, errno); !hidden) return std::move(hidden).error();
  if (length <= 0 || static_cast<std::size_t>(length) == target.size()) return std::string();
  return std::string(target.data(), static_cast<std::size_t>(length));
}

/// Which user namespace a process is in.
Seen<ino_t> user_namespace(int folder, const char* path) {
  struct stat info {};
  if (fstatat(folder, path, &info, 0) == 0) return std::optional(info.st_ino);
  return unseen<ino_t>(path, errno);
}

/// Whether another user namespace than ours shows in the numbers that its users have: everybody may read those.
Seen<bool> has_other_users(const UniqueFd& process) {
  auto theirs = read_file_at(process.get(), "uid_map", 0);
  if (!theirs) return std::move(theirs).error();
  auto ours = read_file_at(AT_FDCWD, "/proc/self/uid_map", 0);
  if (!ours) return std::move(ours).error();
  if (!*theirs || !*ours) return std::optional<bool>();
  return std::optional(**theirs != **ours);
}

/// The application whose .flatpak-info lies at the process's root, "" without one; nothing when we may not look.
Seen<std::string> flatpak_of(const UniqueFd& process) {
  const UniqueFd root{openat(process.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return unseen<std::string>("root", errno);
  struct stat info {};
  if (fstatat(root.get(), ".flatpak-info", &info, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? Seen<std::string>(std::optional<std::string>("")) : unseen<std::string>(".flatpak-info", errno);
  auto text = read_file_at(root.get(), ".flatpak-info", O_NOFOLLOW);
  if (!text) return std::move(text).error();
  std::string application = *text ? flatpak_application(**text) : "";
  return std::optional<std::string>(application.empty() ? "flatpak" : application);
}

/// What keeps the process in: an application of Flatpak's or snapd's, or a user namespace that is not ours. @p cgroup: the text
/// of its file, if we were shown it.
Result<std::string> sandbox_of(const UniqueFd& process, const std::optional<std::string>& cgroup) {
  auto flatpak = flatpak_of(process);
  if (!flatpak) return std::move(flatpak).error();
  if (*flatpak && !(*flatpak)->empty()) return **flatpak;
  auto theirs = user_namespace(process.get(), "ns/user");
  if (!theirs) return std::move(theirs).error();
  auto ours = user_namespace(AT_FDCWD, "/proc/self/ns/user");
  if (!ours) return std::move(ours).error();
  if (*theirs && *ours && **theirs != **ours) return std::string("user-namespace");
  if (cgroup)
    if (std::string application = sandbox_of_unit(unit_of_cgroup(*cgroup)); !application.empty()) return application;
  if (*ours && !*theirs) {
    auto elsewhere = has_other_users(process);
    if (!elsewhere) return std::move(elsewhere).error();
    if (!*elsewhere) return std::string(kUnknownSandbox);
    if (**elsewhere) return std::string("user-namespace");
  }
  if (cgroup) return std::string();
  // A kernel may have no control groups at all; else they are hidden, and what keeps the process in with them.
  auto own = read_file_at(AT_FDCWD, "/proc/self/cgroup", 0);
  if (!own) return std::move(own).error();
  return std::string(*own || !*flatpak ? kUnknownSandbox : "");
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

Result<std::vector<gid_t>> peer_groups(const UniqueFd& connection) {
  std::vector<gid_t> groups(64);
  for (;;) {
    auto length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length) == 0) {
      groups.resize(length / sizeof(gid_t));
      return groups;
    }
    const int error = errno;
    if (error == ENOPROTOOPT || error == ENODATA) return std::vector<gid_t>();
    // Without them a rule that denies a group would not see its member.
    if (error != ERANGE || length <= groups.size() * sizeof(gid_t)) return system_error("getsockopt(SO_PEERGROUPS)", error);
    groups.resize(length / sizeof(gid_t));
  }
}

Result<PeerOrigin> read_peer_origin(const UniqueFd& pidfd, pid_t pid) {
  const Error gone{ErrorCode::kDisconnected, fmt::format("process {} that connected is gone", pid)};
  const std::string folder = fmt::format("/proc/{}", pid);
  const UniqueFd process{open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const int error = errno;
  if (is_gone(pidfd)) return gone;
  PeerOrigin nothing{"", "", kUnknownSandbox};
  if (!process) {
    auto hidden = unseen<std::string>(folder, error);
    if (!hidden) return std::move(hidden).error();
    return nothing;
  }
  auto executable = read_link_at(process, "exe");
  if (!executable) return std::move(executable).error();
  auto cgroup = read_file_at(process.get(), "cgroup", 0);
  if (!cgroup) return std::move(cgroup).error();
  auto sandbox = sandbox_of(process, *cgroup);
  if (!sandbox) return std::move(sandbox).error();
  // Nothing is shown of who has gone meanwhile either.
  if (is_gone(pidfd)) return gone;
  if (*sandbox == kUnknownSandbox) return nothing;
  return PeerOrigin{std::move(*executable), *cgroup ? unit_of_cgroup(**cgroup) : "", std::move(*sandbox)};
}

}  // namespace ferry::platform
