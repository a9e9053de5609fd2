#pragma once
// How points cross in sync mode `sync-fd`: a timeline is a contract between an application and Ferry, a sync_file what
// drivers have in common, and a bridge turns one into the other.

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <functional>
#include <memory>

#include "platform/timeline.h"
#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

/// A queue that Ferry may submit to, besides whoever owns it.
struct LentQueue {
  VkQueue queue = VK_NULL_HANDLE;
  std::function<void()> lock, unlock;  ///< held around every use of the queue; both or none: nobody else uses it
};

/// Both ways cost a submission without commands. One timeline's points have to be crossed in their order. Any thread. A
/// timeline is kept until its last crossing has happened.
class FenceBridge {
 public:
  virtual ~FenceBridge() = default;
  /// A fence that signals when @p timeline reaches @p value: something that was submitted has to signal it. An invalid
  /// descriptor: it has already. kDeviceLost.
  virtual proto::Result<UniqueFd> export_point(std::shared_ptr<const Timeline> timeline, std::uint64_t value) = 0;
  /// @p timeline reaches @p value when @p fd has signalled; what is submitted to the queue later may have to wait for that,
  /// too. Takes @p fd in every case; an invalid one has signalled already. Nothing else may signal @p timeline.
  /// kProtocolViolation unless it is a sync_file; kDeviceLost.
  virtual proto::Result<void> import_point(UniqueFd fd, std::shared_ptr<const Timeline> timeline, std::uint64_t value) = 0;
};

}  // namespace ferry::platform
