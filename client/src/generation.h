#pragma once
// One generation as a client has it: every slot imported once, and the timeline its frames are announced on.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "client/src/device_binding.h"
#include "ferry_generated.h"
#include "platform/unique_fd.h"
#include "proto/ids.h"

namespace ferry::client {

/// What the broker gave out for a generation, for the next broker: imports swallow the descriptors they get.
struct KeptGeneration {
  wire::GenerationT info;
  std::vector<platform::UniqueFd> fds;  ///< [acquire timeline], slots
  const platform::UniqueFd& slot_fd(std::uint32_t slot) const { return fds[slot + (info.has_timeline ? 1u : 0u)]; }
};

class Connection;
/// Tells @p connection's new broker of @p generations.
void hand_back_generations(Connection& connection, proto::StreamId stream,
                           std::span<const std::shared_ptr<const KeptGeneration>> generations);

/// The numbers of @p fds, borrowed.
std::vector<int> numbers_of(std::span<const platform::UniqueFd> fds);

class Generation {
 public:
  /// Imports what came with @p info: [acquire timeline], slots. Takes @p fds from @p first_fd on. Without an acquire
  /// timeline (sync modes host and sync-fd) it makes one of its own, local to the device.
  static proto::Result<std::unique_ptr<Generation>> import(DevicePtr device, const wire::GenerationT& info,
                                                           std::vector<platform::UniqueFd>& fds, std::size_t first_fd);

  proto::GenerationId id() const { return id_; }
  const platform::TextureDesc& desc() const { return desc_; }
  std::uint32_t slot_count() const { return static_cast<std::uint32_t>(slots_.size()); }
  const platform::ImportedTexture& slot(std::uint32_t index) const { return *slots_[index]; }
  const std::shared_ptr<platform::Timeline>& timeline() const { return timeline_; }
  wire::SyncMode sync() const { return sync_; }
  /// Whose its images are between uses, as far as this device can say so.
  std::uint32_t peer_queue_family() const { return peer_queue_family_; }
  /// Points are this process's alone: frames cross when they are complete, or with a fence.
  bool has_local_points() const { return sync_ != wire::SyncMode::Timeline; }
  /// Its pixels are copied on their way (TextureCopy).
  bool copies() const { return slots_.front()->copy() != nullptr; }
  const std::shared_ptr<const KeptGeneration>& kept() const { return kept_; }

  platform::Transport transport() const { return transport_; }
  const std::string& transport_reason() const { return transport_reason_; }
  const std::string& sync_reason() const { return sync_reason_; }

 private:
  Generation() = default;

  DevicePtr device_;  // outlives the images
  proto::GenerationId id_{};
  platform::TextureDesc desc_;
  wire::SyncMode sync_{};
  platform::Transport transport_{};
  std::uint32_t peer_queue_family_ = VK_QUEUE_FAMILY_EXTERNAL;
  std::string transport_reason_, sync_reason_;
  std::vector<std::unique_ptr<platform::ImportedTexture>> slots_;
  std::shared_ptr<platform::Timeline> timeline_;
  std::shared_ptr<const KeptGeneration> kept_;
};

}  // namespace ferry::client
