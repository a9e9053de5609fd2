#include "platform/linux/system_error.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <system_error>

namespace ferry::platform {
namespace {

proto::ErrorCode code_of(int error_number) {
  switch (error_number) {
    case ENOMEM:
    case ENOSPC:
      return proto::ErrorCode::kOutOfMemory;
    case EMFILE:
    case ENFILE:
    case ETOOMANYREFS:
      return proto::ErrorCode::kLimitExceeded;
    case EACCES:
    case EPERM:
      return proto::ErrorCode::kPermissionDenied;
    default:
      return proto::ErrorCode::kSystem;
  }
}

}  // namespace

proto::Error system_error(std::string_view what, int error_number) {
  return {code_of(error_number),
          fmt::format("{}: {} (errno {})", what, std::generic_category().message(error_number), error_number)};
}

const char* describe_file_type(unsigned mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "a regular file";
    case S_IFDIR:
      return "a folder";
    case S_IFIFO:
      return "a pipe";
    case S_IFSOCK:
      return "a socket";
    case S_IFCHR:
      return "a character device";
    case S_IFBLK:
      return "a block device";
    case S_IFLNK:
      return "a symbolic link";
    default:
      return "an anonymous kernel object";  // eventfd, epoll, dma-buf, sync_file
  }
}

std::string describe_descriptor(int fd) {
  struct stat info {};
  return fstat(fd, &info) == 0 ? describe_file_type(info.st_mode) : "no open descriptor";
}

}  // namespace ferry::platform
