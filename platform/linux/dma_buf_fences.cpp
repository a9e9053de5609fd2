#include "platform/dma_buf_fences.h"

#include <fmt/format.h>
#include <linux/dma-buf.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "platform/linux/system_error.h"
#include "platform/sync_file.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

std::uint32_t flags_of(Access access) { return access == Access::kRead ? DMA_BUF_SYNC_READ : DMA_BUF_SYNC_WRITE; }

Error failed(const char* ioctl_name, const UniqueFd& dma_buf, int error_number) {
  if (error_number == ENOTTY)
    return {ErrorCode::kUnsupported, fmt::format("no {} of {}: it needs a dma-buf, and Linux 6.0", ioctl_name,
                                                 describe_descriptor(dma_buf.get()))};
  return system_error(ioctl_name, error_number);
}

}  // namespace

Result<UniqueFd> export_dma_buf_fence(const UniqueFd& dma_buf, Access access) {
  dma_buf_export_sync_file asked{};
  asked.flags = flags_of(access);
  asked.fd = -1;
  if (::ioctl(dma_buf.get(), DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &asked) != 0)
    return failed("DMA_BUF_IOCTL_EXPORT_SYNC_FILE", dma_buf, errno);
  return UniqueFd(asked.fd);
}

Result<void> import_dma_buf_fence(const UniqueFd& dma_buf, const UniqueFd& fence, Access access) {
  if (!fence) return {};
  if (auto state = fence_state(fence); !state) return std::move(state).error();
  dma_buf_import_sync_file given{};
  given.flags = flags_of(access);
  given.fd = fence.get();
  if (::ioctl(dma_buf.get(), DMA_BUF_IOCTL_IMPORT_SYNC_FILE, &given) != 0)
    return failed("DMA_BUF_IOCTL_IMPORT_SYNC_FILE", dma_buf, errno);
  return {};
}

}  // namespace ferry::platform
