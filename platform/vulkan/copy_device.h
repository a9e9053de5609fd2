#pragma once
// A VkDevice of Ferry's own beside an application's, on the same physical device: it has a queue, so that Ferry can copy
// between images and host memory without ever touching the application's queues.

#include <memory>
#include <mutex>

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

class CopyDevice {
 public:
  /// kUnsupported when the physical device cannot do it; says why.
  static proto::Result<std::shared_ptr<CopyDevice>> create(const DeviceContext& application);

  const std::shared_ptr<const DeviceContext>& context() const { return context_; }
  VkQueue queue() const { return queue_; }
  /// Held around every submission to the queue.
  std::mutex& queue_mutex() { return queue_mutex_; }
  /// VkPhysicalDeviceExternalMemoryHostPropertiesEXT::minImportedHostPointerAlignment.
  std::uint64_t host_alignment_bytes() const { return host_alignment_bytes_; }

  /// Submits, and waits until the GPU is done with it. @p fence: of no other submission. @p still_runs: set when the GPU may
  /// still use what @p commands name.
  proto::Result<void> run(VkCommandBuffer commands, VkFence fence, bool& still_runs);

 private:
  CopyDevice() = default;

  std::shared_ptr<const DeviceContext> context_;  // outlives what is made on it
  VkQueue queue_ = VK_NULL_HANDLE;
  std::uint64_t host_alignment_bytes_ = 0;
  std::mutex queue_mutex_;
};

}  // namespace ferry::platform
