#include "platform/path_watch.h"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "platform/linux/system_error.h"

namespace ferry::platform {

proto::Result<PathWatch> PathWatch::create(const std::string& path) {
  const std::filesystem::path whole(path);
  const std::string folder = whole.has_parent_path() ? whole.parent_path().string() : ".";
  UniqueFd fd{inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!fd) return system_error("inotify_init1", errno);
  if (inotify_add_watch(fd.get(), folder.c_str(), IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) < 0)
    return system_error(fmt::format("inotify_add_watch of '{}'", folder), errno);
  return PathWatch(std::move(fd), whole.filename().string());
}

bool PathWatch::drain() {
  bool ours = false;
  alignas(inotify_event) char events[4096];
  for (;;) {
    const ssize_t length = read(fd_.get(), events, sizeof events);
    if (length <= 0) return ours;
    for (ssize_t at = 0; at < length;) {
      inotify_event event;
      std::memcpy(&event, events + at, sizeof event);
      // An overflow means that something was lost, and it may have been this.
      ours |= (event.mask & IN_Q_OVERFLOW) != 0 || (event.len != 0 && name_ == events + at + sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
    }
  }
}

}  // namespace ferry::platform
