#pragma once
// What a producer, a consumer and the broker's device can do together. Pure: the same question has the same answer.
// A transport or sync mode more is a case more here, and an exporter more behind platform/.

#include <string>

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

/// What a stream was agreed to use, and why nothing better.
struct Agreement {
  DeviceKey device;
  platform::Transport transport{};
  std::string transport_reason;
  wire::SyncMode sync{};
  std::string sync_reason;

  bool uses_timelines() const { return sync == wire::SyncMode::Timeline; }
};

/// @p theirs is on our device (equal keys). kIncompatible names @p who and the constraint; kInvalidArgument for a sync
/// mode that is none.
proto::Result<Agreement> negotiate(const platform::DeviceCapabilities& ours, const wire::DeviceT& theirs,
                                   wire::SyncMode asked, const std::string& who);

/// Whether a party can join a stream as it is: a consumer, or a producer that takes it over.
proto::Result<void> check_joins(const std::string& stream, const Agreement& agreement, const wire::DeviceT& theirs,
                                const std::string& who);

const char* sync_mode_name(wire::SyncMode mode);  ///< "timeline"

}  // namespace ferry::daemon
