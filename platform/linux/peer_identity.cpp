#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include "platform/linux/peer_origin.h"
#include "platform/linux/process_start.h"
#include "platform/linux/system_error.h"
#include "platform/listener.h"
#include "proto/names.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

/// The pidfd of the process that connected: from the socket where the kernel can (Linux 6.5; no race with a number
/// that is used again), else by number. Invalid where there is neither.
Result<UniqueFd> open_pidfd(const UniqueFd& connection, pid_t pid) {
  int fd = -1;
  socklen_t length = sizeof fd;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERPIDFD, &fd, &length) == 0) return UniqueFd{fd};
  int error = errno;
  if (error == ENOPROTOOPT) {
    fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));  // close-on-exec always
    if (fd >= 0) return UniqueFd{fd};
    error = errno;
    if (error == ENOSYS) return UniqueFd{};
  }
  if (error == ESRCH || error == EINVAL || error == ENODATA)
    return Error{ErrorCode::kDisconnected, fmt::format("process {} that connected is gone", pid)};
  return system_error(fmt::format("pidfd of process {}", pid), error);
}

/// For people only: a process may call itself what it likes.
std::string read_process_name(pid_t pid) {
  const UniqueFd file{open(fmt::format("/proc/{}/comm", pid).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return {};
  std::array<char, 64> text;
  const ssize_t length = read(file.get(), text.data(), text.size());
  if (length <= 0) return {};
  std::string_view name{text.data(), static_cast<std::size_t>(length)};
  if (name.ends_with('\n')) name.remove_suffix(1);
  return proto::printable(name);
}

struct Ids {
  uid_t uid;
  gid_t gid;
};

/// Of proc_pid_status(5): who owns the folder of a process that is not dumpable is another matter.
std::optional<Ids> read_effective_ids(pid_t pid) {
  const UniqueFd file{open(fmt::format("/proc/{}/status", pid).c_str(), O_RDONLY | O_CLOEXEC)};
  std::array<char, 4096> text{};
  if (!file || read(file.get(), text.data(), text.size() - 1) <= 0) return std::nullopt;
  const char* uids = std::strstr(text.data(), "\nUid:");
  const char* gids = std::strstr(text.data(), "\nGid:");
  Ids ids{};
  if (uids == nullptr || gids == nullptr || std::sscanf(uids, "\nUid: %*u %u", &ids.uid) != 1 ||
      std::sscanf(gids, "\nGid: %*u %u", &ids.gid) != 1)
    return std::nullopt;
  return ids;
}

}  // namespace

Result<PeerIdentity> identify_peer(const UniqueFd& connection) {
  ucred credentials{};
  socklen_t length = sizeof credentials;
  if (getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
    return system_error("getsockopt(SO_PEERCRED)", errno);
  auto pidfd = open_pidfd(connection, credentials.pid);
  if (!pidfd) return std::move(pidfd).error();
  auto groups = peer_groups(connection);
  if (!groups) return std::move(groups).error();
  PeerIdentity identity{credentials.pid,    credentials.uid,    credentials.gid, read_process_name(credentials.pid),
                        std::move(*pidfd), std::move(*groups), {}, 0};
  if (!identity.pidfd) return identity;  // without one nothing in /proc is certain
  identity.started_ticks = process_start_ticks(identity.pid);
  auto origin = read_peer_origin(identity.pidfd, identity.pid);
  if (!origin) return std::move(origin).error();
  identity.origin = std::move(*origin);
  return identity;
}

Result<PeerIdentity> identify_process(pid_t pid, std::uint64_t started_ticks) {
  const Error gone{ErrorCode::kNotFound, fmt::format("process {} is gone", pid)};
  const Error unknown{ErrorCode::kSystem, fmt::format("it is not known whether process {} is the same", pid)};
  if (pid <= 0) return gone;
  UniqueFd pidfd{static_cast<int>(syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd && (errno == ESRCH || errno == EINVAL)) return gone;  // EINVAL: another's thread has the number by now
  if (!pidfd) return system_error(fmt::format("pidfd of process {}", pid), errno);
  PeerIdentity identity;
  identity.pid = pid;
  identity.pidfd = std::move(pidfd);
  identity.started_ticks = process_start_ticks(pid);
  const auto ids = read_effective_ids(pid);
  identity.process = read_process_name(pid);
  // Last, because it looks whether the process still lives: what was read before it was that process's.
  auto origin = read_peer_origin(identity.pidfd, pid);
  if (!origin && origin.error().code != ErrorCode::kDisconnected) return std::move(origin).error();
  if (!origin) return gone;
  if (started_ticks == 0 || identity.started_ticks == 0 || !ids) return unknown;
  if (identity.started_ticks != started_ticks) return gone;
  identity.uid = ids->uid;
  identity.gid = ids->gid;
  identity.origin = std::move(*origin);
  return identity;
}

}  // namespace ferry::platform
