#pragma once
// The fences that a dma-buf itself carries (implicit fences): of work that was submitted to it, for whoever uses it next and
// asks. Displays, OpenGL and video drivers do by themselves; Vulkan asks for none.

#include <cstdint>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

enum class Access : std::uint8_t { kRead, kWrite };

/// A fence (sync_file.h) that signals when @p access may begin: kRead after all that writes, kWrite after all that reads, too.
/// One that has signalled already, or an invalid descriptor, when nothing is under way. Work that comes later is not in it.
/// kUnsupported before Linux 6.0, or when @p dma_buf is none.
proto::Result<UniqueFd> export_dma_buf_fence(const UniqueFd& dma_buf, Access access);

/// From now on @p dma_buf is in use by an @p access that ends when @p fence signals. An invalid fence: nothing to be done.
/// kUnsupported as above; kProtocolViolation unless @p fence is a sync_file.
proto::Result<void> import_dma_buf_fence(const UniqueFd& dma_buf, const UniqueFd& fence, Access access);

}  // namespace ferry::platform
