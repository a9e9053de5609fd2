#pragma once
// What a peer's descriptor is, asked so that nobody but this kernel answers: fstat(2), fstatfs(2), ioctl(2) and close(2) of a
// file on FUSE wait for its server, which may be the peer, and close(2) of a socket for as long as the peer has set SO_LINGER.

#include <cstdint>

#include "platform/unique_fd.h"

namespace ferry::platform {

enum class FdKind : std::uint8_t {
  kMemory,  ///< of a memfd or of tmpfs
  kDmaBuf,
  kDevice,        ///< a character device that may be a GPU's
  kKernelObject,  ///< an anonymous inode: sync_file, DRM syncobj and whatever else a driver makes, eventfd and the like, too
  kOther
};

struct FdNature {
  FdKind kind = FdKind::kOther;
  const char* name = "";  ///< for a message: "a socket"
  /// All but kOther: closing and asking it is the business of this kernel and its drivers alone.
  bool may_be_used() const { return kind != FdKind::kOther; }
};

FdNature nature_of(const UniqueFd& fd);

/// Of a character device: certainly no GPU, /dev/null and its kin, and terminals.
bool is_no_gpu(unsigned major);

}  // namespace ferry::platform
