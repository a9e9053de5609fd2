#pragma once
// Fences that a test holds and releases: the kernel's sw_sync (debugfs), which scripts/vm-run's machine has.

#include <cstdint>

#include "platform/unique_fd.h"

namespace ferry::test {

/// A counter with fences at its values. Those that are pending when it goes have failed.
class SwSync {
 public:
  /// Invalid where the kernel has none, or does not let us.
  static SwSync open();
  explicit operator bool() const { return fd_.valid(); }

  /// Signals when the counter has reached @p value. Invalid when the kernel refuses.
  platform::UniqueFd fence_at(std::uint32_t value) const;
  void advance(std::uint32_t by) const;

 private:
  platform::UniqueFd fd_;
};

}  // namespace ferry::test
