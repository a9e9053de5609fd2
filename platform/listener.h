#pragma once
// The broker's end of the socket: one instance a path, peers named by the kernel.

#include <sys/types.h>

#include <string>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// Who is at the other end, as the kernel says (SO_PEERCRED, SO_PEERPIDFD or pidfd_open; /proc/PID/comm).
struct PeerIdentity {
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  std::string process;  ///< comm, printable
  UniqueFd pidfd;       ///< readable once the process is gone; invalid where the kernel has none
};

/// A listening socket that removes its path (if it made it) when it goes.
class Listener {
 public:
  /// Makes the folder (0700) and the socket (0600), takes over a stale file. Holds an flock on PATH.lock for its life:
  /// a second broker gets kNameTaken with the holder's pid. kInvalidArgument for a path too long for sockaddr_un.
  static proto::Result<Listener> bind(const std::string& path);
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

/// Where a client looks and a broker listens if nobody says otherwise: $FERRY_SOCKET, $XDG_RUNTIME_DIR/ferry/ferryd.sock,
/// /run/ferry/ferryd.sock. @p for_client: of the last two, the first that exists.
std::string default_socket_path(bool for_client);

}  // namespace ferry::platform
