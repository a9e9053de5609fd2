#include "platform/vulkan/driver_fd.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "platform/fd_kind.h"

namespace ferry::platform {
namespace {

enum class DriverFd : std::uint8_t { kSharedMemory, kDmaBuf, kDriverHandle, kOther };

bool is_shared_memory(const UniqueFd& fd) { return ::fcntl(fd.get(), F_GET_SEALS) >= 0; }

bool is_dma_buf(const UniqueFd& fd) {
  struct statfs fs {};
  return ::fstatfs(fd.get(), &fs) == 0 && fs.f_type == DMA_BUF_MAGIC;
}

DriverFd kind_of_fd(const UniqueFd& fd, const struct stat& status) {
  if (is_shared_memory(fd)) return DriverFd::kSharedMemory;
  if (is_dma_buf(fd)) return DriverFd::kDmaBuf;
  if (S_ISCHR(status.st_mode) && !is_no_gpu(major(status.st_rdev))) return DriverFd::kDriverHandle;
  if ((status.st_mode & S_IFMT) == 0) return DriverFd::kDriverHandle;
  return DriverFd::kOther;
}

std::string kind_name(const struct stat& status) {
  if (S_ISFIFO(status.st_mode)) return "a pipe";
  if (S_ISSOCK(status.st_mode)) return "a socket";
  if (S_ISDIR(status.st_mode)) return "a directory";
  if (S_ISBLK(status.st_mode)) return "a block device";
  if (S_ISREG(status.st_mode)) return "a file on disk";
  if (S_ISCHR(status.st_mode))
    return fmt::format("character device {}:{}", major(status.st_rdev), minor(status.st_rdev));
  return "an anonymous inode";
}

proto::Error violation(std::string message) { return {proto::ErrorCode::kProtocolViolation, std::move(message)}; }

proto::Error system_error(const char* call) {
  return {proto::ErrorCode::kSystem, fmt::format("{}: {}", call, std::strerror(errno))};
}

}  // namespace

proto::Result<void> check_driver_fd(const UniqueFd& fd, std::uint64_t min_size_bytes, bool software) {
  if (!fd) return violation("the descriptor of a GPU object is missing");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error("fstat");
  switch (kind_of_fd(fd, status)) {
    case DriverFd::kSharedMemory:
    case DriverFd::kDmaBuf:
      if (static_cast<std::uint64_t>(status.st_size) < min_size_bytes)
        return violation(fmt::format("the descriptor's memory has {} bytes, its allocation is said to have {}",
                                     status.st_size, min_size_bytes));
      return {};
    case DriverFd::kDriverHandle:
      if (!software) return {};
      [[fallthrough]];
    case DriverFd::kOther:
      return violation(fmt::format("the descriptor is {}, not a GPU object's", kind_name(status)));
  }
  return {};
}

proto::Result<void> check_sealed_memory(const UniqueFd& fd, std::uint64_t size_bytes) {
  if (!fd) return violation("the descriptor of a slot is missing");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error("fstat");
  const int seals = ::fcntl(fd.get(), F_GET_SEALS);
  if (seals < 0) return violation(fmt::format("the slot's descriptor is {}, not a memfd", kind_name(status)));
  constexpr int kFixedSize = F_SEAL_SHRINK | F_SEAL_GROW;
  if ((seals & kFixedSize) != kFixedSize)
    return violation(fmt::format("the slot's memory is not sealed against {}",
                                 (seals & F_SEAL_SHRINK) == 0 ? "shrinking" : "growing"));
  if (static_cast<std::uint64_t>(status.st_size) != size_bytes)
    return violation(
        fmt::format("the slot's memory has {} bytes, it is said to have {}", status.st_size, size_bytes));
  return {};
}

proto::Result<std::uint64_t> dma_buf_size_bytes(const UniqueFd& fd) {
  const off_t size_bytes = ::lseek(fd.get(), 0, SEEK_END);
  if (size_bytes < 0) return system_error("lseek of a dma-buf");
  return static_cast<std::uint64_t>(size_bytes);
}

proto::Result<void> check_dma_buf(const UniqueFd& fd, const TextureDesc& desc, const TextureLayout& layout) {
  if (!fd) return violation("the descriptor of a slot is missing");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0) return system_error("fstat");
  if (!is_dma_buf(fd))
    return violation(fmt::format("the slot's descriptor is {}, not a dma-buf",
                                 is_shared_memory(fd) ? "a memfd" : kind_name(status)));
  const auto size_bytes = dma_buf_size_bytes(fd);
  if (!size_bytes) return size_bytes.error();
  return check_planes(desc, layout, *size_bytes);
}

proto::Result<void> check_planes(const TextureDesc& desc, const TextureLayout& layout, std::uint64_t size_bytes) {
  if (layout.plane_count == 0 || layout.plane_count > kMaxPlanes)
    return violation(fmt::format("{} planes are not between 1 and {}", layout.plane_count, kMaxPlanes));
  // Exporters round up to pages, the largest of which are these. Beyond that somebody pays for less than he holds.
  constexpr std::uint64_t kMaxRoundingBytes = 2u << 20;
  if (size_bytes < layout.allocation_size_bytes || size_bytes - layout.allocation_size_bytes > kMaxRoundingBytes)
    return violation(fmt::format("the dma-buf has {} bytes, it is said to have {}", size_bytes,
                                 layout.allocation_size_bytes));
  // Far beyond what any device has, so that no sum below overflows.
  constexpr std::uint64_t kMaxBytes = std::uint64_t{1} << 40;
  const auto& format = proto::format_info(desc.format);
  const bool is_linear = layout.modifier == kModifierLinear;
  if (is_linear && layout.plane_count != format.plane_count)
    return violation(fmt::format("{} planes of format {} as LINEAR are not its {}", layout.plane_count, format.name,
                                 format.plane_count));
  for (std::uint32_t i = 0; i < layout.plane_count; ++i) {
    const PlaneLayout& plane = layout.planes[i];
    if (plane.offset_bytes > kMaxBytes || plane.row_pitch_bytes > kMaxBytes / desc.height_px)
      return violation(fmt::format("plane {} at byte {} with row pitch {} cannot be", i, plane.offset_bytes,
                                   plane.row_pitch_bytes));
    std::uint64_t end_bytes = plane.offset_bytes + 1;
    if (is_linear) {  // each of the memory's planes is one of the format's
      const std::uint64_t pixel_bytes = format.planes[i].texel_bytes;
      const std::uint64_t row_bytes = format.row_bytes(i, desc.width_px);
      if (plane.row_pitch_bytes < row_bytes)
        return violation(fmt::format("row pitch {} of plane {} is less than a row's {} bytes", plane.row_pitch_bytes, i,
                                     row_bytes));
      if (plane.offset_bytes % pixel_bytes != 0 || plane.row_pitch_bytes % pixel_bytes != 0)
        return violation(fmt::format("plane {} at byte {} with row pitch {}: not both are multiples of a pixel's {} bytes", i,
                                     plane.offset_bytes, plane.row_pitch_bytes, pixel_bytes));
      end_bytes = plane.offset_bytes + plane.row_pitch_bytes * (format.rows(i, desc.height_px) - 1) + row_bytes;
    }
    if (end_bytes > size_bytes)
      return violation(fmt::format("plane {} of a {}x{} slot ends at byte {}, the dma-buf has {}", i, desc.width_px,
                                   desc.height_px, end_bytes, size_bytes));
  }
  return {};
}

proto::Result<UniqueFd> driver_copy(const UniqueFd& fd) {
  if (is_shared_memory(fd)) {
    // Without /proc (a sandbox) a duplicate has to do.
    UniqueFd reopened(::open(fmt::format("/proc/self/fd/{}", fd.get()).c_str(), O_RDWR | O_CLOEXEC));
    if (reopened) return reopened;
  }
  UniqueFd duplicate = fd.duplicate();
  if (!duplicate) return system_error("fcntl(F_DUPFD_CLOEXEC)");
  return duplicate;
}

void settle_failed_import(int driver_fd, bool software) {
  if (!software) UniqueFd(driver_fd).reset();
}

}  // namespace ferry::platform
