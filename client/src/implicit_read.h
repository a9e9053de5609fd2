#pragma once
// A reader that is no Vulkan program: its work is found in the dma-buf that it reads.

#include "platform/clock.h"
#include "platform/dma_buf_fences.h"
#include "platform/sync_file.h"
#include "platform/timeline.h"

namespace ferry::client {

/// The end of all that reads a dma-buf by now, as CompletionQueue waits for things: any value is reached when the fence has
/// signalled, whatever has become of its work.
class ImplicitRead final : public platform::Timeline {
 public:
  /// kUnsupported: the kernel does not tell.
  static proto::Result<std::shared_ptr<platform::Timeline>> of(const platform::UniqueFd& dma_buf) {
    auto fence = platform::export_dma_buf_fence(dma_buf, platform::Access::kWrite);
    if (!fence) return std::move(fence).error();
    return std::shared_ptr<platform::Timeline>(std::make_shared<ImplicitRead>(std::move(*fence)));
  }
  explicit ImplicitRead(platform::UniqueFd fence) : fence_(std::move(fence)) {}

  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  proto::Result<std::uint64_t> value() const override { return ended() ? 1 : 0; }
  proto::Result<void> signal(std::uint64_t) override {
    return proto::Error{proto::ErrorCode::kInternal, "the kernel signals it"};
  }
  proto::Result<void> wait(std::uint64_t, std::int64_t timeout_ns) const override {
    if (ended()) return {};
    auto signalled = platform::wait_for_fence(fence_, platform::deadline_after(timeout_ns));
    if (!signalled && signalled.error().code == proto::ErrorCode::kDeviceLost) return {};
    return signalled;
  }

 private:
  bool ended() const {
    if (!fence_) return true;
    const auto state = platform::fence_state(fence_);
    return state && *state != platform::FenceState::kPending;
  }
  platform::UniqueFd fence_;
};

}  // namespace ferry::client
