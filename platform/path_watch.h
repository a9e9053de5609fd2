#pragma once
// Being woken when a file comes into being (inotify(7)).

#include <string>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

class PathWatch {
 public:
  /// Watches the folder of @p path: it must exist.
  static proto::Result<PathWatch> create(const std::string& path);

  /// Readable once something of that name was made or moved there.
  const UniqueFd& fd() const { return fd_; }
  /// Takes what has happened. True when it was about the path; other files of the folder are nobody's business.
  bool drain();

 private:
  PathWatch(UniqueFd fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  UniqueFd fd_;
  std::string name_;
};

}  // namespace ferry::platform
