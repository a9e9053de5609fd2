#pragma once
// Holds work back on the GPU: a submission that waits for the gate begins when the host opens it.

#include <cstdint>

#include "tests/support/gpu.h"

namespace ferry::test {

class GpuGate {
 public:
  explicit GpuGate(const Gpu& gpu);
  /// Nothing that waits for it may be pending.
  ~GpuGate();
  GpuGate(const GpuGate&) = delete;
  GpuGate& operator=(const GpuGate&) = delete;

  /// A timeline semaphore, and the value that the next open() gives it.
  VkSemaphore semaphore() const { return semaphore_; }
  std::uint64_t next_value() const { return opened_ + 1; }
  void open();

 private:
  const Gpu& gpu_;
  VkSemaphore semaphore_ = VK_NULL_HANDLE;
  std::uint64_t opened_ = 0;
};

}  // namespace ferry::test
