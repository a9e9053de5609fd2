#include "platform/linux/instance_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "platform/linux/system_error.h"
#include "proto/names.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

std::string lock_path_of(const std::string& path) { return path + ".lock"; }

/// Whether @p path still names the file that is open as @p fd.
bool names_open_file(const std::string& path, const UniqueFd& fd) {
  struct stat by_fd {
  }, by_path{};
  return fstat(fd.get(), &by_fd) == 0 && lstat(path.c_str(), &by_path) == 0 && by_fd.st_dev == by_path.st_dev &&
         by_fd.st_ino == by_path.st_ino;
}

std::string holder_of(const UniqueFd& fd) {
  std::array<char, 32> text;
  const ssize_t length = pread(fd.get(), text.data(), text.size(), 0);
  std::string_view holder{text.data(), static_cast<std::size_t>(length > 0 ? length : 0)};
  while (holder.ends_with('\n')) holder.remove_suffix(1);
  return holder.empty() ? "unknown" : proto::printable(holder);
}

Result<void> write_pid(const UniqueFd& fd, const std::string& lock_path) {
  const std::string text = fmt::format("{}\n", getpid());
  if (ftruncate(fd.get(), 0) != 0 || pwrite(fd.get(), text.data(), text.size(), 0) < 0)
    return system_error(fmt::format("write to lock file '{}'", lock_path), errno);
  return {};
}

}  // namespace

Result<UniqueFd> acquire_instance_lock(const std::string& path) {
  const std::string lock_path = lock_path_of(path);
  // Whoever goes removes the file while it still holds the lock, so a file we opened before that and locked after it
  // has no name any more, and excludes nobody: take the one that has the name now.
  constexpr int kMaxTries = 16;
  for (int i = 0; i < kMaxTries; ++i) {
    UniqueFd fd{open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!fd) return system_error(fmt::format("open lock file '{}'", lock_path), errno);
    if (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return system_error(fmt::format("flock of '{}'", lock_path), errno);
      return Error{ErrorCode::kNameTaken,
                   fmt::format("another broker (pid {}) serves '{}' already", holder_of(fd), path)};
    }
    if (!names_open_file(lock_path, fd)) continue;
    if (auto written = write_pid(fd, lock_path); !written) return std::move(written).error();
    return fd;
  }
  return Error{ErrorCode::kSystem,
               fmt::format("lock file '{}' was replaced {} times while we locked it", lock_path, kMaxTries)};
}

void release_instance_lock(UniqueFd lock, const std::string& path) {
  const std::string lock_path = lock_path_of(path);
  if (lock && names_open_file(lock_path, lock)) unlink(lock_path.c_str());
}

}  // namespace ferry::platform
