#include "client/src/status_json.h"

#include <nlohmann/json.hpp>

#include "client/src/wire_convert.h"
#include "ferry/ferry.h"
#include "proto/format.h"

namespace ferry::client {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kSchema = 1;  // docs/status.md says when it rises

std::string text_of(const std::unique_ptr<wire::Uuid>& uuid) { return uuid ? platform::to_string(from_wire(*uuid)) : ""; }

std::string text_of(wire::Transport transport) {
  return platform::transport_name(static_cast<platform::Transport>(transport));
}

const char* text_of(wire::SyncMode mode) {
  switch (mode) {
    case wire::SyncMode::Timeline: return "timeline";
    case wire::SyncMode::Host: return "host";
    case wire::SyncMode::SyncFd: return "sync-fd";
    default: return "";
  }
}

const char* text_of(wire::StreamState state) {
  switch (state) {
    case wire::StreamState::Live: return "live";
    case wire::StreamState::Orphaned: return "orphaned";
    case wire::StreamState::Poisoned: return "poisoned";
    default: return "closed";
  }
}

template <class T>
Json list_of(const std::vector<T>& values) {
  Json list = Json::array();
  for (const T& value : values) list.push_back(text_of(value));
  return list;
}

Json json_of(const wire::DeviceT& device) {
  Json lacks = Json::array();
  for (const auto& lack : device.lacks)
    if (lack) lacks.push_back({{"transport", text_of(lack->transport)}, {"reason", lack->reason}});
  return {{"name", device.name},
          {"driver", device.driver},
          {"device_uuid", text_of(device.device_uuid)},
          {"driver_uuid", text_of(device.driver_uuid)},
          {"is_software", device.is_software},
          {"transports", list_of(device.transports)},
          {"sync_modes", list_of(device.sync_modes)},
          {"sync_reason", device.sync_reason},
          {"lacks", std::move(lacks)}};
}

Json json_of(const wire::BrokerStatusT& broker) {
  Json devices = Json::array();
  for (const auto& device : broker.devices) devices.push_back(json_of(*device));
  return {{"pid", broker.pid},
          {"version", broker.version},
          {"socket", broker.socket},
          {"uptime_ns", broker.uptime_ns},
          {"sessions", broker.sessions},
          {"streams", broker.streams},
          {"leases", broker.leases},
          {"memory_bytes", broker.memory_bytes},
          {"memory_limit_bytes", broker.memory_limit_bytes},
          {"devices", std::move(devices)}};
}

Json json_of(const wire::ClientStatusT& client) {
  return {{"pid", client.pid}, {"uid", client.uid}, {"process", client.process}, {"application", client.application}};
}

Json json_of(const wire::LeaseStatusT& lease) {
  static const wire::ClientStatusT nobody;
  const wire::ClientStatusT& consumer = lease.consumer ? *lease.consumer : nobody;
  Json out = {{"lease", lease.lease}};
  out.update(json_of(consumer));
  out.update(Json{{"mode", lease.mode == wire::ConsumerMode::Every ? "every" : "latest"},
                  {"max_holds", lease.max_holds},
                  {"queue_depth", lease.queue_depth},
                  {"sync_mode", text_of(lease.sync_mode)},
                  {"sync_reason", lease.sync_reason},
                  {"held", lease.held},
                  {"lag_frames", lease.lag_frames},
                  {"acquired", lease.acquired},
                  {"skipped", lease.skipped},
                  {"latency_p50_ns", lease.latency_p50_ns},
                  {"latency_p99_ns", lease.latency_p99_ns},
                  {"last_seen_ns", lease.last_seen_ns == 0 ? Json() : Json(lease.last_seen_ns)},
                  {"admitted", lease.admitted}});
  return out;
}

Json json_of(const wire::GenerationT& generation) {
  static const wire::ImageT none;
  const wire::ImageT& image = generation.image ? *generation.image : none;
  const proto::FormatInfo* format = proto::find_format(image.format);
  return {{"id", generation.id},
          {"width_px", image.width_px},
          {"height_px", image.height_px},
          {"format", format != nullptr ? std::string(format->name) : std::to_string(image.format)},
          {"primaries", proto::name_of(static_cast<proto::ColourPrimaries>(image.primaries))},
          {"transfer", proto::name_of(static_cast<proto::TransferFunction>(image.transfer))},
          {"range", proto::name_of(static_cast<proto::ColourRange>(image.range))},
          {"alpha", proto::name_of(static_cast<proto::AlphaMode>(image.alpha))},
          {"slot_count", generation.slot_count},
          {"own", generation.own},
          {"foreign_queues", generation.foreign},
          {"reason", generation.reason}};
}

Json json_of(const wire::StreamStatusT& stream) {
  static const wire::GenerationT none;
  const wire::GenerationT& generation = stream.generation ? *stream.generation : none;
  const bool has_producer = stream.producer && stream.state == wire::StreamState::Live;
  Json consumers = Json::array();
  for (const auto& lease : stream.leases) consumers.push_back(json_of(*lease));
  return {{"id", stream.stream},
          {"name", stream.name},
          {"state", text_of(stream.state)},
          {"device", stream.device},
          {"device_uuid", text_of(stream.device_uuid)},
          {"generation", json_of(generation)},
          {"transport", text_of(generation.transport)},
          {"modifier", generation.transport == wire::Transport::DmaBuf ? Json(platform::modifier_name(generation.modifier)) : Json()},
          {"transport_reason", stream.transport_reason},
          {"sync_mode", text_of(stream.sync_mode)},
          {"sync_reason", stream.sync_reason},
          {"queue_policy", stream.queue_policy == wire::QueuePolicy::Block ? "block" : "drop"},
          {"memory_bytes", stream.memory_bytes},
          {"slots_required", stream.slots_required},
          {"producer", has_producer ? json_of(*stream.producer) : Json()},
          {"frames", stream.frames},
          {"rate_hz", static_cast<double>(stream.rate_mhz) / 1000.0},
          {"last_frame_age_ns", stream.frames == 0 ? Json() : Json(stream.last_frame_age_ns)},
          {"starved", stream.starved},
          {"consumers", std::move(consumers)}};
}

}  // namespace

std::string status_json(const std::vector<wire::StatusReplyT>& replies) {
  Json out = {{"schema", kSchema}, {"library_version", ferry_version()}};
  static const wire::BrokerStatusT unknown;
  const auto& broker = replies.front().broker;
  out["broker"] = json_of(broker ? *broker : unknown);
  Json streams = Json::array();
  for (const wire::StatusReplyT& reply : replies) {
    for (const auto& stream : reply.streams) {
      Json one = json_of(*stream);
      if (!streams.empty() && streams.back()["id"] == one["id"])  // its leases did not fit one reply
        for (Json& consumer : one["consumers"]) streams.back()["consumers"].push_back(std::move(consumer));
      else
        streams.push_back(std::move(one));
    }
  }
  out["streams"] = std::move(streams);
  // Texts come from strangers: what is not UTF-8 is shown as U+FFFD, not thrown over.
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ferry::client
