#include "platform/file_identity.h"

#include <sys/stat.h>

#include <cerrno>

#include "platform/linux/system_error.h"

namespace ferry::platform {

proto::Result<FileIdentity> identify_file(const UniqueFd& fd) {
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return system_error("fstat of a descriptor", errno);
  return FileIdentity{info.st_dev, info.st_ino, info.st_uid};
}

}  // namespace ferry::platform
