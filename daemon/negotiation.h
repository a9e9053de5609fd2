#pragma once
// What a producer, its consumers and the broker's device can do together. Pure: the same question has the same answer.
// A transport or sync mode more is a case more here, and an exporter more behind platform/.

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ferry_generated.h"
#include "platform/texture.h"
#include "platform/vulkan/device.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Equal keys: opaque handles may cross.
struct DeviceKey {
  platform::Uuid device_uuid{}, driver_uuid{};
  friend bool operator==(const DeviceKey&, const DeviceKey&) = default;
};
std::string to_string(const DeviceKey& key);

DeviceKey key_of(const platform::DeviceCapabilities& ours);
/// kInvalidArgument without a device or its UUIDs. @p who: "producer 'renderer' (pid 4211)".
proto::Result<DeviceKey> key_of(const wire::DeviceT* theirs, const std::string& who);

/// A producer or a consumer, and what it says of its device. Copied out of its message: it is needed again whenever
/// somebody joins.
struct Party {
  struct Lack {
    wire::Transport transport;
    std::string reason;
  };
  std::string who;  ///< "consumer 'viewer' (pid 4211)"
  DeviceKey device;
  std::string device_name;  ///< printable
  std::vector<wire::Transport> transports;
  bool is_software = false;
  std::vector<wire::SyncMode> sync_modes;
  std::string sync_reason, sync_fd_reason;  ///< why neither timeline nor sync-fd is among them
  std::vector<Lack> lacks;
  std::vector<platform::FormatModifier> modifiers;  ///< dma-buf: what it imports
  bool completed_only = false;  ///< it looks at complete frames alone: how points cross is the others' affair
  bool foreign_queues = false;  ///< its images can be VK_QUEUE_FAMILY_FOREIGN_EXT's in between

  /// It has tried @p transport and failed.
  void give_up(wire::Transport transport, std::string reason);
  /// Of transport dma-buf only @p modifier; the transport, too, if that was its last.
  void give_up(std::uint64_t modifier, std::string reason);
};
/// Whatever the device says, no more of it than a few ten kilobytes.
proto::Result<Party> party_of(const wire::DeviceT* device, std::string who);
/// About what it takes of the broker's memory.
std::size_t bytes_of(const Party& party);

/// What a stream was agreed to use, and why nothing better.
struct Agreement {
  DeviceKey device;  ///< the producer's
  platform::Transport transport{};
  std::string transport_reason;
  wire::SyncMode sync{};
  std::string sync_reason;
  std::vector<std::uint64_t> modifiers;  ///< dma-buf: all that every party can use for the image; never empty
  bool own = false;      ///< dma-buf: the producer brings the slots, in the only one of modifiers
  bool foreign = false;  ///< images are VK_QUEUE_FAMILY_FOREIGN_EXT's in between (docs/decisions/0015)

  bool uses_timelines() const { return sync == wire::SyncMode::Timeline; }
  /// Frames are published while a GPU still draws them: who must not wait for that GPU sees complete frames only.
  bool publishes_early() const { return sync != wire::SyncMode::Host; }
  /// Whether frames cross in the same way, whatever the reasons.
  bool same_way(const Agreement& other) const { return transport == other.transport && sync == other.sync; }
};

/// A transport that was agreed on, and in which the broker could allocate nothing after all.
struct Excluded {
  wire::Transport transport{};
  std::string reason;
};

/// What the producer insists on.
struct Demand {
  wire::Transport transport = wire::Transport::None;  ///< None: the best
  wire::SyncMode sync = wire::SyncMode::Automatic;
  /// Of a stream that is there: the mode in use. From timeline it goes on to sync-fd where @p leases_have_channels, from either
  /// to host, and never back, for life: a lease that has joined in another mode has no release timeline.
  wire::SyncMode in_use = wire::SyncMode::Automatic;
  bool leases_have_channels = true;
  std::vector<Excluded> excluded{};
  /// Of slots that the producer brings, by dma-buf: they are imported by all, or there is no way.
  std::optional<std::uint64_t> own_modifier = std::nullopt;
  /// Foreign queues also between equal drivers, by dma-buf and where all have them: so it is already.
  bool foreign = false;
};
/// The way that is in use, and no other.
Demand demand_for(const Agreement& in_use);

/// The best way for frames of @p image from @p producer to all of @p consumers. @p ours: the broker's view of the producer's device, nullptr if
/// it has no such device. kIncompatible names the party and the constraint, with both lists; kInvalidArgument for a
/// transport or sync mode that is none.
proto::Result<Agreement> negotiate(const platform::DeviceCapabilities* ours, const Party& producer,
                                   std::span<const Party* const> consumers, const Demand& demand,
                                   const platform::TextureDesc& image);

/// kIncompatible, with what programs compare.
proto::Error incompatible(std::string message, proto::Conflict conflict);

const char* sync_mode_name(wire::SyncMode mode);  ///< "timeline"

/// Whether fences may come to cross between the two: their lease has a channel for them.
bool can_exchange_fences(const Party& producer, const Party& consumer);
std::vector<std::string> modifier_names(const std::vector<std::uint64_t>& modifiers);

}  // namespace ferry::daemon
