#pragma once
// Where a process comes from, beyond its user: what it runs, what started it, what it is shut in.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "platform/listener.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// Of the process behind @p pidfd. The folder of /proc is opened first and the pidfd asked after that: a folder that was
/// opened while the process lived is that process's for ever, whoever gets its number later. kDisconnected when it is
/// gone. What the kernel does not tell us about strangers (no CAP_SYS_PTRACE) is empty, and where it does not even tell whether
/// they are in a sandbox (hidepid) that is kUnknownSandbox. kLimitExceeded, kOutOfMemory: we are short of something ourselves, and
/// know nothing.
proto::Result<PeerOrigin> read_peer_origin(const UniqueFd& pidfd, pid_t pid);

/// The innermost unit of systemd's in the text of /proc/PID/cgroup: "obs.service", "app-gnome-x-12.scope", or "".
std::string unit_of_cgroup(std::string_view cgroup_file);

/// The application's id in the text of a /.flatpak-info, or "".
std::string flatpak_application(std::string_view flatpak_info);

/// The application of a unit that Flatpak or snapd started: "org.example.Game", "snap.firefox"; "" of any other unit. What
/// is left where /proc/PID/root is closed to us: a stranger's processes.
std::string sandbox_of_unit(std::string_view unit);

/// Groups of the process that connected, as they were then (SO_PEERGROUPS).
proto::Result<std::vector<gid_t>> peer_groups(const UniqueFd& connection);

}  // namespace ferry::platform
