#pragma once
// A ferry_device: one Vulkan device that producers and consumers import into.

#include <atomic>
#include <memory>
#include <string>

#include "ferry_generated.h"
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

  /// Producers and consumers that use it: the handle may not be destroyed before they are.
  std::atomic<int> users{0};

 private:
  std::unique_ptr<platform::VulkanDevice> device_;
};

/// @p device without @p transport, which was tried and failed. False when that was its last.
bool give_up_transport(wire::DeviceT& device, wire::Transport transport, const std::string& reason);

using DevicePtr = std::shared_ptr<DeviceBinding>;

}  // namespace ferry::client
