#pragma once
// Which file a descriptor means, as the kernel knows it: two descriptors of one page are told from two pages.

#include <sys/types.h>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  uid_t owner = 0;  ///< of a memfd: the user who made it

  bool same_file(const FileIdentity& other) const { return device == other.device && inode == other.inode; }
};

proto::Result<FileIdentity> identify_file(const UniqueFd& fd);

}  // namespace ferry::platform
