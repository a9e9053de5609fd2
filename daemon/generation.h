#pragma once
// One set of slots of a stream, as its owner has it.

#include <memory>
#include <span>
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

/// What a producer brings for a generation.
struct OwnSlots {
  platform::TextureLayout layout;
  std::vector<platform::UniqueFd> fds;  ///< one a slot
};

class Generation {
 public:
  /// Allocates by the agreement's transport, on @p device if that needs one (else it may be null), and pays from
  /// @p allowance. kLimitExceeded, kInvalidArgument, kOutOfMemory, kDeviceLost: names @p stream.
  static proto::Result<std::unique_ptr<Generation>> create(GenerationSpec spec, platform::VulkanDevice* device,
                                                           const Allowance& allowance,
                                                           const std::string& stream);

  /// Of slots that the producer brings, as many as @p spec says: imported once on @p device, as those that are handed back.
  static proto::Result<std::unique_ptr<Generation>> adopt(GenerationSpec spec, const OwnSlots& own,
                                                          platform::VulkanDevice* device, const Allowance& allowance,
                                                          const std::string& stream);

  /// One that is handed back, with what the broker before this one allocated. Every descriptor is looked at, and
  /// those of a device are imported once on @p device, to see that they are what they are said to be. kProtocolViolation,
  /// kInvalidArgument, kLimitExceeded: names @p stream.
  struct HandedBack {
    const wire::GenerationT& info;
    platform::TextureDesc image;  ///< info's, checked
    Agreement agreement;
    std::vector<platform::UniqueFd> fds;
    bool by_client = true;  ///< or by the service manager, and no client had it in between
  };
  static proto::Result<std::unique_ptr<Generation>> restore(HandedBack parts, platform::VulkanDevice* device,
                                                            const Allowance& allowance, const std::string& stream);

  /// Its descriptors came from a client.
  bool handed_back() const { return handed_back_; }
  /// Nobody of another trust domain is given what only a client says a broker allocated. Of slots that a producer brings nobody
  /// is told such a thing.
  bool may_leave_domain() const { return !handed_back_ || spec_.agreement.own; }
  /// Frees what it reserves: somebody else pays for the same memory from now on.
  void stop_paying() {
    memory_ = Reservation();
    descriptors_ = Reservation();
  }
  /// After that: somebody does. kLimitExceeded: nobody pays.
  proto::Result<void> pay_from(const Allowance& allowance, const std::string& stream);

  proto::GenerationId id() const { return spec_.id; }
  const GenerationSpec& spec() const { return spec_; }
  const platform::TextureLayout& layout() const { return slots_.front()->layout(); }  ///< one shape, one layout
  /// Whether its slots lie as @p agreement wants them, and belong to whom it says.
  bool lies_as(const Agreement& agreement) const;
  std::uint64_t memory_bytes() const { return memory_.amount(); }
  /// nullptr in sync modes host and sync-fd.
  const std::shared_ptr<platform::ExportedTimeline>& acquire_timeline() const { return acquire_timeline_; }

  /// Its timeline on another device object: the one it was made on is lost.
  proto::Result<void> move_timeline_to(platform::VulkanDevice& device);

  /// With its acquire timeline, if it has one, or for a foreign lease as one of sync mode host.
  enum class Audience : std::uint8_t { kDomain, kForeign };
  std::unique_ptr<wire::GenerationT> describe(Audience audience = Audience::kDomain) const;
  /// In the order of ferry.fbs.
  void append_fds(FdList& out, Audience audience = Audience::kDomain) const;

 private:
  /// Pays for slots that somebody else has allocated, looks at each, and takes it.
  proto::Result<void> take_slots(std::span<platform::UniqueFd> fds, const platform::TextureDesc& image,
                                 const platform::TextureLayout& layout, platform::VulkanDevice* device,
                                 const Allowance& allowance, const std::string& what);

  GenerationSpec spec_;
  bool handed_back_ = false;
  Reservation memory_, descriptors_;
  std::shared_ptr<platform::ExportedTimeline> acquire_timeline_;
  std::vector<std::unique_ptr<platform::ExportedTexture>> slots_;
};

}  // namespace ferry::daemon
