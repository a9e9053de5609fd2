#include "tests/support/sw_sync.h"

#include <fcntl.h>
#include <sys/ioctl.h>

#include <cstring>
#include <stdexcept>

namespace ferry::test {
namespace {

// drivers/dma-buf/sw_sync.c; no header of the kernel's has these.
struct CreateFence {
  std::uint32_t value;
  char name[32];
  std::int32_t fence;
};
constexpr unsigned long kCreateFence = _IOWR('W', 0, CreateFence);
constexpr unsigned long kIncrease = _IOW('W', 1, std::uint32_t);

}  // namespace

SwSync SwSync::open() {
  SwSync opened;
  opened.fd_.reset(::open("/sys/kernel/debug/sync/sw_sync", O_RDWR | O_CLOEXEC));
  return opened;
}

platform::UniqueFd SwSync::fence_at(std::uint32_t value) const {
  CreateFence request{value, "ferry-test", -1};
  if (::ioctl(fd_.get(), kCreateFence, &request) != 0) return {};
  return platform::UniqueFd(request.fence);
}

void SwSync::advance(std::uint32_t by) const {
  if (::ioctl(fd_.get(), kIncrease, &by) != 0) throw std::runtime_error("SW_SYNC_IOC_INC");
}

}  // namespace ferry::test
