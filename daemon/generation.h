#pragma once
// One set of slots of a stream, as its owner has it.

#include <memory>
#include <string>
#include <vector>

#include "daemon/budget.h"
#include "daemon/negotiation.h"
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
  Agreement agreement;
  std::string reason;  ///< why it was started
};

class Generation {
 public:
  /// Allocates by the agreement's transport, on @p device if that needs one (else it may be null), and pays from
  /// @p allowance. kLimitExceeded, kInvalidArgument, kOutOfMemory, kDeviceLost: names @p stream.
  static proto::Result<std::unique_ptr<Generation>> create(GenerationSpec spec, platform::VulkanDevice* device,
                                                           const Allowance& allowance,
                                                           const std::string& stream);

  proto::GenerationId id() const { return spec_.id; }
  const GenerationSpec& spec() const { return spec_; }
  std::uint64_t memory_bytes() const { return memory_.amount(); }
  /// nullptr in sync mode host.
  const std::shared_ptr<platform::ExportedTimeline>& acquire_timeline() const { return acquire_timeline_; }

  /// With its acquire timeline, if it has one, or for a foreign lease without.
  enum class Audience : std::uint8_t { kDomain, kForeign };
  std::unique_ptr<wire::GenerationT> describe(Audience audience = Audience::kDomain) const;
  /// In the order of ferry.fbs.
  void append_fds(FdList& out, Audience audience = Audience::kDomain) const;

 private:
  GenerationSpec spec_;
  Reservation memory_, descriptors_;
  std::shared_ptr<platform::ExportedTimeline> acquire_timeline_;
  std::vector<std::unique_ptr<platform::ExportedTexture>> slots_;
};

}  // namespace ferry::daemon
