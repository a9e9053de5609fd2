#pragma once
// How points cross in sync mode `timeline`: semaphores of the broker's that clients import.

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <memory>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// How far ahead of a timeline's value a point may be waited for or signalled: the least that any driver has as
/// maxTimelineSemaphoreValueDifference (Vulkan 1.3, table 53).
inline constexpr std::uint64_t kMaxTimelineJump = (std::uint64_t{1} << 31) - 1;

/// Whether a timeline at @p value has reached @p point, or may be waited for or signalled until it has.
constexpr bool can_reach(std::uint64_t value, std::uint64_t point) {
  return point <= value || point - value <= kMaxTimelineJump;
}

/// A timeline semaphore on some device: the broker's exported one, a client's imported or local one.
class Timeline {
 public:
  virtual ~Timeline() = default;
  virtual VkSemaphore semaphore() const = 0;
  /// vkGetSemaphoreCounterValue. May lag behind a host signal of another process.
  virtual proto::Result<std::uint64_t> value() const = 0;
  /// vkSignalSemaphore. The caller knows that nothing pending signals this value or a higher one.
  virtual proto::Result<void> signal(std::uint64_t value) = 0;
  /// Waits on the host. kTimeout; kDeviceLost.
  virtual proto::Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const = 0;
};

class ExportedTimeline : public Timeline {
 public:
  /// The descriptor to send; stays owned by the timeline.
  virtual const UniqueFd& fd() const = 0;
};

class TimelineExporter {
 public:
  virtual ~TimelineExporter() = default;
  virtual proto::Result<std::unique_ptr<ExportedTimeline>> create() = 0;
};

class TimelineImporter {
 public:
  virtual ~TimelineImporter() = default;
  /// Takes @p fd in every case.
  virtual proto::Result<std::unique_ptr<Timeline>> import(UniqueFd fd) = 0;
  /// A timeline of this device alone, starting at 0 (sync mode host).
  virtual proto::Result<std::unique_ptr<Timeline>> create_local() = 0;
};

}  // namespace ferry::platform
