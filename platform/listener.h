#pragma once
// The broker's end of the socket: one instance a path, peers named by the kernel.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// The sandbox of a process of which the kernel does not tell us whether it is in one (hidepid): it counts as one that nobody
/// else is in, and nothing else is known of it.
inline constexpr const char* kUnknownSandbox = "unknown";

/// Where a process comes from. Empty: none, or the kernel does not tell us.
struct PeerOrigin {
  std::string executable;  ///< path of its program, "... (deleted)" when that was replaced
  std::string unit;        ///< innermost unit of systemd's: "obs.service"
  std::string sandbox;     ///< Flatpak's application id, "snap.NAME", "user-namespace", or kUnknownSandbox
};

/// Who is at the other end, as the kernel says (SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD or pidfd_open; /proc/PID).
struct PeerIdentity {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string process;  ///< comm, printable
  UniqueFd pidfd;       ///< readable once the process is gone; invalid where the kernel has none
  std::vector<gid_t> groups;
  PeerOrigin origin;
  /// When it started, in clock ticks since boot: with its number it names one process for good. 0: not known.
  std::uint64_t started_ticks = 0;
};

/// A listening socket that removes its path (if it made it) when it goes.
class Listener {
 public:
  /// Makes the folder (0700) and the socket (0600), takes over a stale file. Holds an flock on PATH.lock for its life:
  /// a second broker gets kNameTaken with the holder's pid. kInvalidArgument for a path too long for sockaddr_un.
  /// @p group: its members may connect, too (folder 0750, socket 0660); the caller must be one or privileged.
  static proto::Result<Listener> bind(const std::string& path, std::optional<gid_t> group = std::nullopt);
  /// Uses a descriptor that systemd passed (LISTEN_FDS); checks that it is a listening SEQPACKET Unix socket.
  static proto::Result<Listener> adopt(UniqueFd fd);

  Listener(Listener&&) noexcept;
  Listener& operator=(Listener&&) noexcept;
  ~Listener();

  const UniqueFd& fd() const { return fd_; }
  const std::string& path() const { return path_; }
  /// The next connection, non-blocking, close-on-exec; kWouldBlock when there is none.
  proto::Result<UniqueFd> accept();

 private:
  Listener() = default;
  void remove_path();

  UniqueFd fd_, lock_;
  std::string path_;
  dev_t device_ = 0;  ///< with inode_: the socket file that bind() made, and only that one is removed
  ino_t inode_ = 0;   ///< 0: none
};

proto::Result<PeerIdentity> identify_peer(const UniqueFd& connection);

/// The process that identify_peer() once gave that number and start, without its groups. kNotFound when it is gone;
/// kSystem when the kernel does not tell us whether it is the same.
proto::Result<PeerIdentity> identify_process(pid_t pid, std::uint64_t started_ticks);

/// Where a client looks and a broker listens if nobody says otherwise: $FERRY_SOCKET, $XDG_RUNTIME_DIR/ferry/ferryd.sock,
/// /run/ferry/ferryd.sock. @p for_client: of the last two, the first that exists.
std::string default_socket_path(bool for_client);

}  // namespace ferry::platform
