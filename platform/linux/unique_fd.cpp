#include "platform/unique_fd.h"

#include <fcntl.h>
#include <unistd.h>

namespace ferry::platform {

void UniqueFd::reset(int fd) {
  // Not retried on EINTR: Linux has freed the number by then, and another thread may own it already.
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

UniqueFd UniqueFd::duplicate() const { return UniqueFd{::fcntl(fd_, F_DUPFD_CLOEXEC, 0)}; }

}  // namespace ferry::platform
