#pragma once
// A ferry_device: one Vulkan device that producers and consumers import into.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "ferry_generated.h"
#include "platform/fence_bridge.h"
#include "platform/timeline.h"
#include "platform/vulkan/device.h"

namespace ferry::client {

/// Shared by the handle and by every producer and consumer that uses it.
class DeviceBinding {
 public:
  explicit DeviceBinding(std::unique_ptr<platform::VulkanDevice> device) : device_(std::move(device)) {}

  platform::VulkanDevice& vulkan() { return *device_; }
  const platform::VulkanDevice& vulkan() const { return *device_; }
  /// What this party can do, as the broker needs it to choose.
  wire::DeviceT describe() const;

  /// For sync mode sync-fd. kUnsupported, kInvalidArgument, kInvalidState when one is lent already.
  proto::Result<void> lend(platform::LentQueue queue);
  /// Over the queue that is lent; nullptr without one. Lives as long as this.
  platform::FenceBridge* fences() const { return fences_.load(std::memory_order_acquire); }

  /// Keeps @p object (images, semaphores) until @p timeline has reached @p value, and at the latest until the device goes:
  /// submitted work may use it, and nobody can say when or whether it ends.
  void keep_until(std::shared_ptr<platform::Timeline> timeline, std::uint64_t value, std::shared_ptr<void> object);
  /// The application's work is done, says the application: it destroys the device.
  void drop_kept();

  /// Producers, consumers and running calls that use it: the handle may not be destroyed before they are.
  std::atomic<int> users{0};

 private:
  struct Kept {
    std::shared_ptr<platform::Timeline> timeline;
    std::uint64_t value = 0;
    std::shared_ptr<void> object;
  };

  std::unique_ptr<platform::VulkanDevice> device_;
  std::unique_ptr<platform::FenceBridge> bridge_;
  std::atomic<platform::FenceBridge*> fences_{nullptr};  // PAIR lent-queue: published once, when it is whole
  std::mutex mutex_;
  std::vector<Kept> kept_;  // refers to this device: drop_kept() ends the circle
};

/// How a generation came that could not be imported.
struct FailedWay {
  wire::Transport transport{};
  std::uint64_t modifier = 0;  ///< dma-buf
};
FailedWay way_of(const wire::GenerationT& generation);

/// @p device without @p way, which was tried: of dma-buf without that modifier only, while there are others. False when no
/// transport is left.
bool give_up(wire::DeviceT& device, const FailedWay& way, const std::string& reason);

using DevicePtr = std::shared_ptr<DeviceBinding>;

}  // namespace ferry::client
