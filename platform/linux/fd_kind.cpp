#include "platform/fd_kind.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/major.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string_view>

#include "platform/linux/system_error.h"

namespace ferry::platform {
namespace {

/// What the kernel knows by itself, from its cache: the server of a file is not asked.
std::optional<struct statx> look_at(const UniqueFd& fd) {
  struct statx seen {};
  if (::statx(fd.get(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &seen) != 0) return std::nullopt;
  return seen;
}

/// A dma-buf's driver calls itself something; nothing else has that line.
bool is_dma_buf(const UniqueFd& fd) {
  const UniqueFd info{::open(fmt::format("/proc/self/fdinfo/{}", fd.get()).c_str(), O_RDONLY | O_CLOEXEC)};
  if (!info) return false;
  std::array<char, 1024> text{};
  const ssize_t length = ::read(info.get(), text.data(), text.size());
  return length > 0 && std::string_view(text.data(), static_cast<std::size_t>(length)).find("\nexp_name:") != std::string_view::npos;
}

/// Has no type, and lies where the kernel keeps such things.
bool is_anonymous(const struct statx& seen) {
  const UniqueFd ours{::eventfd(0, EFD_CLOEXEC)};
  if (!ours) return false;
  const auto known = look_at(ours);
  return known && (seen.stx_mode & S_IFMT) == (known->stx_mode & S_IFMT) && seen.stx_dev_major == known->stx_dev_major &&
         seen.stx_dev_minor == known->stx_dev_minor;
}

}  // namespace

bool is_no_gpu(unsigned major) {
  return major == MEM_MAJOR || major == TTY_MAJOR || major == TTYAUX_MAJOR ||
         (major >= UNIX98_PTY_MASTER_MAJOR && major < UNIX98_PTY_SLAVE_MAJOR + UNIX98_PTY_MAJOR_COUNT);
}

FdNature nature_of(const UniqueFd& fd) {
  if (::fcntl(fd.get(), F_GET_SEALS) >= 0) return {FdKind::kMemory, "memory"};
  const auto seen = look_at(fd);
  if (!seen) return {FdKind::kOther, "nothing that can be looked at"};
  if (S_ISSOCK(seen->stx_mode)) return {FdKind::kOther, "a socket"};
  if (is_dma_buf(fd)) return {FdKind::kDmaBuf, "a dma-buf"};
  const char* type = describe_file_type(seen->stx_mode);
  if (S_ISCHR(seen->stx_mode)) return {is_no_gpu(seen->stx_rdev_major) ? FdKind::kOther : FdKind::kDevice, type};
  return {is_anonymous(*seen) ? FdKind::kKernelObject : FdKind::kOther, type};
}

}  // namespace ferry::platform
