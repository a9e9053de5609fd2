#pragma once
// When work began and ended on the GPU, by the GPU's own clock: two processes on one GPU read the same one.

#include <cstdint>
#include <vulkan/vulkan.hpp>

#include "tests/bench/gpu/device.h"

namespace ferry::bench {

struct GpuSpan {
  std::int64_t begin_ns = 0, end_ns = 0;
};

/// Two timestamps of a command buffer that is submitted again and again.
class Stopwatch {
 public:
  /// Throws where @p gpu's queue has no clock.
  Stopwatch(const Device& device, const test::Gpu& gpu);

  /// Before every submission; what was submitted before is complete.
  void reset();
  /// @p stage: that of the first work, if it waits for a semaphore: the wait is not to count.
  void begin(VkCommandBuffer commands, vk::PipelineStageFlagBits stage) const;
  void end(VkCommandBuffer commands) const;
  /// Of work that is complete.
  GpuSpan read() const;

 private:
  const Device& device_;
  vk::UniqueQueryPool queries_;
  double ns_per_tick_;
};

}  // namespace ferry::bench
