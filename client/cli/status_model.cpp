#include "client/cli/status_model.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "client/cli/exit_code.h"

namespace ferry::cli {

using nlohmann::json;

namespace {

constexpr std::uint64_t kSchema = 1;

template <class T>
void read(const json& object, const char* member, T& out) {
  const auto found = object.find(member);
  if (found != object.end() && !found->is_null()) out = found->get<T>();
}

template <class T>
void read(const json& object, const char* member, std::optional<T>& out) {
  const auto found = object.find(member);
  if (found != object.end() && !found->is_null()) out = found->get<T>();
}

}  // namespace

// Found by nlohmann's get<T>() through the argument's namespace.
void from_json(const json& j, DeviceStatus& out) {
  read(j, "name", out.name);
  read(j, "driver", out.driver);
  read(j, "device_uuid", out.device_uuid);
  read(j, "driver_uuid", out.driver_uuid);
  read(j, "is_software", out.is_software);
  read(j, "transports", out.transports);
  read(j, "sync_modes", out.sync_modes);
  read(j, "sync_reason", out.sync_reason);
}

void from_json(const json& j, BrokerStatus& out) {
  read(j, "pid", out.pid);
  read(j, "version", out.version);
  read(j, "socket", out.socket);
  read(j, "uptime_ns", out.uptime_ns);
  read(j, "sessions", out.sessions);
  read(j, "streams", out.streams);
  read(j, "leases", out.leases);
  read(j, "memory_bytes", out.memory_bytes);
  read(j, "memory_limit_bytes", out.memory_limit_bytes);
  read(j, "devices", out.devices);
}

void from_json(const json& j, ClientStatus& out) {
  read(j, "pid", out.pid);
  read(j, "uid", out.uid);
  read(j, "process", out.process);
  read(j, "application", out.application);
}

void from_json(const json& j, ConsumerStatus& out) {
  read(j, "lease", out.lease);
  from_json(j, out.client);
  read(j, "mode", out.mode);
  read(j, "sync_mode", out.sync_mode);
  read(j, "sync_reason", out.sync_reason);
  read(j, "max_holds", out.max_holds);
  read(j, "queue_depth", out.queue_depth);
  read(j, "held", out.held);
  read(j, "lag_frames", out.lag_frames);
  read(j, "acquired", out.acquired);
  read(j, "skipped", out.skipped);
  read(j, "latency_p50_ns", out.latency_p50_ns);
  read(j, "latency_p99_ns", out.latency_p99_ns);
  read(j, "last_seen_ns", out.last_seen_ns);
  read(j, "admitted", out.admitted);
}

void from_json(const json& j, GenerationStatus& out) {
  read(j, "id", out.id);
  read(j, "width_px", out.width_px);
  read(j, "height_px", out.height_px);
  read(j, "slot_count", out.slot_count);
  read(j, "format", out.format);
  read(j, "reason", out.reason);
}

void from_json(const json& j, StreamStatus& out) {
  read(j, "id", out.id);
  read(j, "name", out.name);
  read(j, "state", out.state);
  read(j, "device", out.device);
  read(j, "device_uuid", out.device_uuid);
  read(j, "generation", out.generation);
  read(j, "transport", out.transport);
  read(j, "transport_reason", out.transport_reason);
  read(j, "sync_mode", out.sync_mode);
  read(j, "sync_reason", out.sync_reason);
  read(j, "queue_policy", out.queue_policy);
  read(j, "memory_bytes", out.memory_bytes);
  read(j, "slots_required", out.slots_required);
  read(j, "producer", out.producer);
  read(j, "frames", out.frames);
  read(j, "starved", out.starved);
  read(j, "rate_hz", out.rate_hz);
  read(j, "last_frame_age_ns", out.last_frame_age_ns);
  read(j, "consumers", out.consumers);
}

std::string device_of_stream(const Status& status, std::string_view name) {
  for (const StreamStatus& stream : status.streams) {
    if (stream.name != name) continue;
    if (!stream.device_uuid.empty()) return stream.device_uuid;
    for (const DeviceStatus& device : status.broker.devices) {
      if (device.name == stream.device) return device.device_uuid;
    }
  }
  return {};
}

Status parse_status(std::string_view text) {
  try {
    const json document = json::parse(text);
    const auto schema = document.at("schema").get<std::uint64_t>();
    if (schema != kSchema) {
      throw CommandError(
          ExitCode::kFailure,
          fmt::format("status has schema {}, this program reads {}; --json passes it on", schema, kSchema));
    }
    return {document.at("broker").get<BrokerStatus>(), document.at("streams").get<std::vector<StreamStatus>>()};
  } catch (const json::exception& error) {
    throw CommandError(ExitCode::kFailure, fmt::format("status is not the JSON it should be: {}", error.what()));
  }
}

std::string reformat_status(std::string_view text, bool one_line) {
  try {
    const auto document = nlohmann::ordered_json::parse(text);
    return document.dump(one_line ? -1 : 2);
  } catch (const json::exception& error) {
    throw CommandError(ExitCode::kFailure, fmt::format("status is not the JSON it should be: {}", error.what()));
  }
}

}  // namespace ferry::cli
