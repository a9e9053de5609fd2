#include "platform/listener.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <optional>
#include <utility>

#include "platform/linux/instance_lock.h"
#include "platform/linux/system_error.h"
#include "platform/linux/unix_address.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

constexpr int kBacklog = 128;

/// Only the last folder of the path: a whole chain that is missing is a mistyped path.
Result<void> make_folder(const std::string& socket_path, std::optional<gid_t> group) {
  const std::string folder = std::filesystem::path{socket_path}.parent_path();
  if (folder.empty()) return {};
  if (mkdir(folder.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return system_error(fmt::format("mkdir of '{}'", folder), errno);
  }
  if (group && (chown(folder.c_str(), uid_t(-1), *group) != 0 || chmod(folder.c_str(), 0750) != 0))
    return system_error(fmt::format("giving '{}' to group {}", folder, *group), errno);
  return {};
}

/// "process 'systemd' (pid 1)": who began to listen at the other end of @p connection, as the kernel says.
std::string listener_of(const UniqueFd& connection) {
  constexpr const char* kUnnamed = "another process";
  const auto peer = identify_peer(connection);   // fails when it is gone, and another one has its socket now
  if (!peer || peer->pid == 0) return kUnnamed;  // 0: beyond this namespace
  if (peer->process != "systemd") return fmt::format("process '{}' (pid {})", peer->process, peer->pid);
  return fmt::format("systemd (pid {}), which starts a broker when a client comes,", peer->pid);
}

/// Who serves the path without our lock, systemd for instance; nothing when nobody does.
std::optional<std::string> find_listener(const UnixAddress& address) {
  const auto probe = open_message_socket(SOCK_NONBLOCK);
  if (!probe) return std::nullopt;
  if (connect(probe->get(), address.get(), address.length) == 0) return listener_of(*probe);
  if (errno == ECONNREFUSED) return std::nullopt;
  const bool is_full = errno == EAGAIN;  // else we may not connect; somebody has the path in any case
  return is_full ? "another process, whose queue of clients is full," : "another process";
}

/// Removes what a broker that died left behind; never anything that is not a socket. Called with the lock held.
Result<void> remove_stale_socket(const std::string& path, const UnixAddress& address) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0)
    return errno == ENOENT ? Result<void>{} : Result<void>{system_error(fmt::format("stat of '{}'", path), errno)};
  if (!S_ISSOCK(info.st_mode))
    return Error{ErrorCode::kInvalidArgument, fmt::format("cannot listen at '{}': it is {}, and stays as it is", path,
                                                          describe_file_type(info.st_mode))};
  if (const auto listener = find_listener(address))
    return Error{ErrorCode::kNameTaken, fmt::format("{} listens at '{}' already", *listener, path)};
  if (unlink(path.c_str()) != 0) return system_error(fmt::format("unlink of the stale socket '{}'", path), errno);
  return {};
}

Result<UniqueFd> listen_at(const std::string& path, const UnixAddress& address, std::optional<gid_t> group) {
  auto socket = open_message_socket(SOCK_NONBLOCK);
  if (!socket) return socket;
  // Before bind(), which gives the file the socket's mode: there is no moment in which others may connect. The umask
  // would do it too, but belongs to the whole process.
  if (fchmod(socket->get(), 0600) != 0) return system_error("fchmod of a socket", errno);
  if (::bind(socket->get(), address.get(), address.length) != 0)
    return system_error(fmt::format("bind to '{}'", path), errno);
  // The group before the mode: nobody else's group ever may.
  if (group && (lchown(path.c_str(), uid_t(-1), *group) != 0 || chmod(path.c_str(), 0660) != 0))
    return system_error(fmt::format("giving '{}' to group {}", path, *group), errno);
  if (listen(socket->get(), kBacklog) != 0) return system_error(fmt::format("listen at '{}'", path), errno);
  return socket;
}

int socket_option(const UniqueFd& fd, int option) {
  int value = -1;
  socklen_t length = sizeof value;
  return getsockopt(fd.get(), SOL_SOCKET, option, &value, &length) == 0 ? value : -1;
}

std::string bound_path(const UniqueFd& fd) {
  UnixAddress address;
  address.length = sizeof address.storage;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address.storage), &address.length) != 0) return {};
  address.storage.sun_path[sizeof address.storage.sun_path - 1] = '\0';
  return address.storage.sun_path;
}

}  // namespace

Result<Listener> Listener::bind(const std::string& path, std::optional<gid_t> group) {
  const auto address = unix_address(path);
  if (!address) return address.error();
  if (auto made = make_folder(path, group); !made) return std::move(made).error();
  auto lock = acquire_instance_lock(path);
  if (!lock) return std::move(lock).error();

  Listener listener;
  listener.path_ = path;
  listener.lock_ = std::move(*lock);
  if (auto removed = remove_stale_socket(path, *address); !removed) return std::move(removed).error();
  auto socket = listen_at(path, *address, group);
  if (!socket) return std::move(socket).error();
  listener.fd_ = std::move(*socket);
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return system_error(fmt::format("stat of '{}'", path), errno);
  listener.device_ = info.st_dev;
  listener.inode_ = info.st_ino;
  return listener;
}

Result<Listener> Listener::adopt(UniqueFd fd) {
  auto refuse = [&](const std::string& why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("passed descriptor {} {}", fd.get(), why)};
  };
  if (const int domain = socket_option(fd, SO_DOMAIN); domain != AF_UNIX)
    return refuse(domain < 0 ? "is " + describe_descriptor(fd.get()) + ", not a Unix socket" : "is no Unix socket");
  if (socket_option(fd, SO_TYPE) != SOCK_SEQPACKET) return refuse("is no SEQPACKET socket (ListenSequentialPacket=)");
  if (socket_option(fd, SO_ACCEPTCONN) != 1) return refuse("does not listen (Accept=no is needed)");
  if (fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0 || fcntl(fd.get(), F_SETFD, FD_CLOEXEC) != 0)
    return system_error(fmt::format("fcntl of passed descriptor {}", fd.get()), errno);
  Listener listener;
  listener.path_ = bound_path(fd);
  listener.fd_ = std::move(fd);
  return listener;
}

Listener::Listener(Listener&& other) noexcept
    : fd_(std::move(other.fd_)),
      lock_(std::move(other.lock_)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(std::exchange(other.inode_, 0)) {}

Listener& Listener::operator=(Listener&& other) noexcept {
  if (this != &other) {
    remove_path();
    fd_ = std::move(other.fd_);
    lock_ = std::move(other.lock_);
    path_ = std::move(other.path_);
    device_ = other.device_;
    inode_ = std::exchange(other.inode_, 0);
  }
  return *this;
}

Listener::~Listener() { remove_path(); }

void Listener::remove_path() {
  struct stat info {};
  const bool ours = inode_ != 0 && lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (ours) unlink(path_.c_str());
  release_instance_lock(std::move(lock_), path_);  // last: whoever gets the lock next finds the path free
}

Result<UniqueFd> Listener::accept() {
  for (;;) {
    UniqueFd connection{accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (connection) {
      widen_send_buffer(connection);
      return connection;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EAGAIN) return Error{ErrorCode::kWouldBlock, "no connection is waiting"};
    return system_error(fmt::format("accept at '{}'", path_), errno);
  }
}

}  // namespace ferry::platform
