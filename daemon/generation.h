#pragma once
// One set of slots of a stream, as its owner has it.

#include <memory>
#include <string>
#include <vector>

#include "daemon/memory_budget.h"
#include "daemon/outbox.h"
#include "ferry_generated.h"
#include "platform/texture.h"
#include "platform/timeline.h"
#include "platform/vulkan/device.h"
#include "proto/ids.h"

namespace ferry::daemon {

struct GenerationSpec {
  proto::GenerationId id{};
  platform::TextureDesc image;
  std::uint32_t slot_count = 0;
  bool has_timeline = false;
  std::string reason;  ///< why it was started
};

class Generation {
 public:
  /// Allocates on @p device and pays from @p budget. kLimitExceeded, kInvalidArgument, kOutOfMemory, kDeviceLost: names
  /// @p stream.
  static proto::Result<std::unique_ptr<Generation>> create(GenerationSpec spec, platform::VulkanDevice& device,
                                                           std::shared_ptr<MemoryBudget> budget,
                                                           const std::string& stream);

  proto::GenerationId id() const { return spec_.id; }
  const GenerationSpec& spec() const { return spec_; }
  std::uint64_t memory_bytes() const { return memory_.bytes(); }
  /// nullptr in sync mode host.
  const std::shared_ptr<platform::ExportedTimeline>& acquire_timeline() const { return acquire_timeline_; }

  std::unique_ptr<wire::GenerationT> describe() const;
  /// In the order of ferry.fbs.
  void append_fds(FdList& out) const;

 private:
  GenerationSpec spec_;
  MemoryReservation memory_;
  std::shared_ptr<platform::ExportedTimeline> acquire_timeline_;
  std::vector<std::unique_ptr<platform::ExportedTexture>> slots_;
};

}  // namespace ferry::daemon
