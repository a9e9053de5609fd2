#include "daemon/negotiation.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/wire_convert.h"
#include "proto/names.h"

namespace ferry::daemon {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

template <class T>
bool lists(const std::vector<T>& list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

Error incompatible(std::string message) { return {ErrorCode::kIncompatible, std::move(message)}; }

/// Why @p theirs has no timelines, in its own words if it has any.
std::string why_no_timeline(const wire::DeviceT& theirs, const std::string& who) {
  const std::string why = theirs.sync_reason.empty() ? "" : ": " + proto::printable(theirs.sync_reason);
  return fmt::format("{} lists no timeline semaphores{}", who, why);
}

Result<void> check_transport(wire::Transport transport, const wire::DeviceT& theirs, const std::string& who) {
  if (lists(theirs.transports, transport)) return {};
  return incompatible(fmt::format("{} on device '{}' cannot import by {}", who, proto::printable(theirs.name, 64),
                                  platform::transport_name(static_cast<platform::Transport>(transport))));
}

}  // namespace

std::string to_string(const DeviceKey& key) {
  return fmt::format("device {} driver {}", platform::to_string(key.device_uuid), platform::to_string(key.driver_uuid));
}

DeviceKey key_of(const platform::DeviceCapabilities& ours) { return {ours.device_uuid, ours.driver_uuid}; }

Result<DeviceKey> key_of(const wire::DeviceT* theirs, const std::string& who) {
  if (theirs == nullptr || !theirs->device_uuid || !theirs->driver_uuid)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} names no device UUID and driver UUID", who)};
  return DeviceKey{from_wire(*theirs->device_uuid), from_wire(*theirs->driver_uuid)};
}

const char* sync_mode_name(wire::SyncMode mode) {
  switch (mode) {
    case wire::SyncMode::Automatic:
      return "automatic";
    case wire::SyncMode::Timeline:
      return "timeline";
    case wire::SyncMode::Host:
      return "host";
    case wire::SyncMode::SyncFd:
      return "sync-fd";
  }
  return "unknown";
}

Result<Agreement> negotiate(const platform::DeviceCapabilities& ours, const wire::DeviceT& theirs, wire::SyncMode asked,
                            const std::string& who) {
  Agreement agreement;
  agreement.device = key_of(ours);

  if (!ours.opaque_fd)
    return incompatible(
        fmt::format("the broker's device '{}' exports no textures: {}", ours.name, ours.opaque_fd_reason));
  if (auto fits = check_transport(wire::Transport::OpaqueFd, theirs, who); !fits) return std::move(fits).error();
  agreement.transport = platform::Transport::kOpaqueFd;
  agreement.transport_reason = "opaque-fd: device and driver UUID are equal on both sides";

  if (asked > wire::SyncMode::MAX)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} asks for sync mode {}; the last known one is {}", who, static_cast<int>(asked),
                             static_cast<int>(wire::SyncMode::MAX))};
  if (asked == wire::SyncMode::SyncFd)
    return incompatible(
        fmt::format("{} asks for sync mode sync-fd, which goes with transport dma-buf; the transport is "
                    "opaque-fd",
                    who));
  std::string missing;
  if (!ours.timeline_fd)
    missing = ours.timeline_fd_reason;
  else if (!lists(theirs.sync_modes, wire::SyncMode::Timeline))
    missing = why_no_timeline(theirs, who);

  if (asked == wire::SyncMode::Timeline && !missing.empty())
    return incompatible(fmt::format("{} asks for sync mode timeline, but {}", who, missing));
  if (asked == wire::SyncMode::Host || !missing.empty()) {
    agreement.sync = wire::SyncMode::Host;
    agreement.sync_reason = "host: " + (asked == wire::SyncMode::Host ? "the producer asked for it" : missing);
  } else {
    agreement.sync = wire::SyncMode::Timeline;
    agreement.sync_reason = "timeline: both sides export and import timeline semaphores";
  }
  return agreement;
}

Result<void> check_joins(const std::string& stream, const Agreement& agreement, const wire::DeviceT& theirs,
                         const std::string& who) {
  const auto key = key_of(&theirs, who);
  if (!key) return key.error();
  if (!(*key == agreement.device))
    return incompatible(
        fmt::format("stream '{}' crosses by {}, which needs equal UUIDs: {} is on '{}' ({}), the stream on {}", stream,
                    platform::transport_name(agreement.transport), who, proto::printable(theirs.name, 64),
                    to_string(*key), to_string(agreement.device)));
  if (auto fits = check_transport(static_cast<wire::Transport>(agreement.transport), theirs, who); !fits) return fits;
  if (agreement.uses_timelines() && !lists(theirs.sync_modes, wire::SyncMode::Timeline))
    return incompatible(
        fmt::format("stream '{}' uses sync mode timeline, but {}", stream, why_no_timeline(theirs, who)));
  return {};
}

}  // namespace ferry::daemon
