#pragma once
// The status JSON (docs/status.md) as structs. Members that an older library does not write keep their defaults.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ferry::cli {

struct DeviceStatus {
  std::string name, driver, device_uuid, driver_uuid;
  bool is_software = false;
  std::vector<std::string> transports, sync_modes;
  std::string sync_reason;
};

struct BrokerStatus {
  std::uint64_t pid = 0;
  std::string version, socket;
  std::uint64_t uptime_ns = 0, sessions = 0, streams = 0, leases = 0, memory_bytes = 0, memory_limit_bytes = 0;
  std::vector<DeviceStatus> devices;
};

struct ClientStatus {
  std::uint64_t pid = 0, uid = 0;
  std::string process, application;
};

struct ConsumerStatus {
  std::uint64_t lease = 0;
  ClientStatus client;
  std::string mode, sync_mode, sync_reason;
  std::uint64_t max_holds = 0, queue_depth = 0, held = 0, lag_frames = 0, acquired = 0, skipped = 0;
  std::uint64_t latency_p50_ns = 0, latency_p99_ns = 0;
  std::optional<std::uint64_t> last_seen_ns;
  bool admitted = true;
};

struct GenerationStatus {
  std::uint64_t id = 0, width_px = 0, height_px = 0, slot_count = 0;
  std::string format, reason;
};

struct StreamStatus {
  std::uint64_t id = 0;
  std::string name, state, device, device_uuid;
  GenerationStatus generation;
  std::string transport, transport_reason, sync_mode, sync_reason, queue_policy;
  std::uint64_t memory_bytes = 0, slots_required = 0;
  std::optional<ClientStatus> producer;
  std::uint64_t frames = 0, starved = 0;
  double rate_hz = 0;
  std::optional<std::uint64_t> last_frame_age_ns;
  std::vector<ConsumerStatus> consumers;
};

struct Status {
  BrokerStatus broker;
  std::vector<StreamStatus> streams;
};

/// CommandError when @p json is not what docs/status.md says, or of a schema this program does not know.
Status parse_status(std::string_view json);

/// UUID of the device that the slots of stream @p name are on; "" when there is no such stream. Libraries that do not
/// say it name the device only: then it is the first of that name.
std::string device_of_stream(const Status& status, std::string_view name);

/// The same JSON for people (indented) or for line-by-line readers (one line).
std::string reformat_status(std::string_view json, bool one_line);

}  // namespace ferry::cli
