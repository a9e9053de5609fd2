#include "daemon/negotiation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "daemon/wire_convert.h"
#include "proto/names.h"
#include "proto/usage.h"

namespace ferry::daemon {
namespace {

using proto::Conflict;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

// Best first.
constexpr wire::Transport kTransports[] = {wire::Transport::OpaqueFd, wire::Transport::DmaBuf, wire::Transport::HostMemory};

template <class T>
bool lists(const std::vector<T>& list, T value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

const char* name_of(wire::Transport transport) {
  return platform::transport_name(static_cast<platform::Transport>(transport));
}

std::vector<std::string> names_of(const std::vector<wire::Transport>& transports) {
  std::vector<std::string> names;
  for (const auto transport : transports) names.emplace_back(name_of(transport));
  return names;
}

std::vector<std::string> names_of(const std::vector<wire::SyncMode>& modes) {
  std::vector<std::string> names;
  for (const auto mode : modes) names.emplace_back(sync_mode_name(mode));
  return names;
}

std::vector<wire::Transport> without(std::span<const wire::Transport> transports, std::span<const Excluded> excluded) {
  std::vector<wire::Transport> rest;
  for (const auto transport : transports)
    if (std::none_of(excluded.begin(), excluded.end(), [&](const Excluded& e) { return e.transport == transport; }))
      rest.push_back(transport);
  return rest;
}

/// Why something cannot be: a sentence for people, and the two lists for programs.
struct Obstacle {
  std::string text;
  Conflict conflict;
};

/// All there is to judge.
struct Question {
  const platform::DeviceCapabilities* ours;
  const Party& producer;
  std::span<const Party* const> consumers;
  const Demand& demand;
  const platform::TextureDesc& image;

  template <class Judge>
  std::optional<Obstacle> first_of_all(Judge judge) const {
    if (auto obstacle = judge(producer)) return obstacle;
    for (const Party* consumer : consumers)
      if (auto obstacle = judge(*consumer)) return obstacle;
    return std::nullopt;
  }
  /// Of those between whom points cross.
  template <class Judge>
  std::optional<Obstacle> first_of_all_who_wait(Judge judge) const {
    return first_of_all([&](const Party& party) { return party.completed_only ? std::nullopt : judge(party); });
  }
};

std::optional<Obstacle> lacks_transport(const Party& party, wire::Transport transport) {
  if (lists(party.transports, transport)) return std::nullopt;
  std::string text =
      fmt::format("{} on device '{}' cannot import by {}", party.who, party.device_name, name_of(transport));
  for (const Party::Lack& lack : party.lacks)
    if (lack.transport == transport && !lack.reason.empty()) text += ": " + lack.reason;
  return Obstacle{std::move(text), {party.who, "transport", names_of(party.transports), {name_of(transport)}}};
}

/// The device of @p party by its name, and by its UUIDs where the name is @p other's too.
std::string told_apart(const Party& party, const Party& other) {
  if (party.device_name != other.device_name) return fmt::format("'{}'", party.device_name);
  return fmt::format("'{}' ({})", party.device_name, to_string(party.device));
}

Obstacle no_device_of_ours(const Question& q) {
  return {fmt::format("{} is on '{}' ({}), which is none of the broker's devices", q.producer.who,
                      q.producer.device_name, to_string(q.producer.device)),
          {q.producer.who, "device", {to_string(q.producer.device)}, {}}};
}

std::optional<Obstacle> against_opaque_fd(const Question& q) {
  constexpr auto kTransport = wire::Transport::OpaqueFd;
  if (auto lacks = lacks_transport(q.producer, kTransport)) return lacks;
  if (q.ours == nullptr) return no_device_of_ours(q);
  if (!q.ours->opaque_fd)
    return Obstacle{
        fmt::format("the broker's device '{}' exports no textures: {}", q.ours->name, q.ours->opaque_fd_reason),
        {"the broker", "transport", {}, names_of(q.producer.transports)}};
  for (const Party* consumer : q.consumers) {
    if (!(consumer->device == q.producer.device))
      return Obstacle{
          fmt::format("opaque-fd needs equal UUIDs: {} is on {}, the producer on {}", consumer->who,
                      told_apart(*consumer, q.producer), told_apart(q.producer, *consumer)),
          {consumer->who, "device", {to_string(consumer->device)}, {to_string(q.producer.device)}}};
    if (auto lacks = lacks_transport(*consumer, kTransport)) return lacks;
  }
  return std::nullopt;
}

// ---- dma-buf

/// What of @p list can carry @p image.
std::vector<std::uint64_t> modifiers_for(const platform::TextureDesc& image,
                                         const std::vector<platform::FormatModifier>& list, bool must_export) {
  const std::uint32_t usage = image.usage | proto::kUsageAlways;
  std::vector<std::uint64_t> out;
  for (const platform::FormatModifier& known : list)
    if (known.format == image.format && (known.usage & usage) == usage && (known.exports || !must_export))
      out.push_back(known.modifier);
  return out;
}

std::string listed(const std::vector<std::uint64_t>& modifiers) {
  return modifiers.empty() ? "none" : fmt::format("{}", fmt::join(modifier_names(modifiers), ", "));
}

/// Leaves in @p common what @p party imports, too.
std::optional<Obstacle> narrow(std::vector<std::uint64_t>& common, const Party& party, const Question& q) {
  if (auto lacks = lacks_transport(party, wire::Transport::DmaBuf)) return lacks;
  const std::vector<std::uint64_t> theirs = modifiers_for(q.image, party.modifiers, false);
  const std::vector<std::uint64_t> before = common;
  std::erase_if(common, [&](std::uint64_t modifier) { return !lists(theirs, modifier); });
  if (!common.empty()) return std::nullopt;
  return Obstacle{fmt::format("{} on device '{}' imports no modifier of {} that device '{}' exports for all; its list: {}; "
                              "the others': {}",
                              party.who, party.device_name, proto::format_info(q.image.format).name, q.ours->name,
                              listed(theirs), listed(before)),
                  {party.who, "modifier", modifier_names(theirs), modifier_names(before)}};
}

/// Of slots that the producer brings: that all can import them is enough, and needed.
std::optional<Obstacle> against_own_slots(const Question& q, std::vector<std::uint64_t>& common) {
  const std::vector<std::uint64_t> own{*q.demand.own_modifier};
  const auto lacks_modifier = [&](const std::string& who, const std::string& device,
                                  const std::vector<platform::FormatModifier>& list) -> std::optional<Obstacle> {
    const std::vector<std::uint64_t> theirs = modifiers_for(q.image, list, false);
    if (lists(theirs, own.front())) return std::nullopt;
    return Obstacle{fmt::format("{} on device '{}' imports no {} in modifier {}; its list: {}", who, device,
                                proto::format_info(q.image.format).name, listed(own), listed(theirs)),
                    {who, "modifier", modifier_names(theirs), modifier_names(own)}};
  };
  if (q.ours == nullptr) return no_device_of_ours(q);
  std::optional<Obstacle> obstacle;
  if (!q.ours->dma_buf)
    obstacle = {fmt::format("the broker's device '{}' imports no dma-bufs: {}", q.ours->name, q.ours->dma_buf_reason),
                {"the broker", "transport", {}, {name_of(wire::Transport::DmaBuf)}}};
  if (!obstacle) obstacle = lacks_modifier("the broker", q.ours->name, q.ours->modifiers);
  if (!obstacle)
    obstacle = q.first_of_all([&](const Party& party) {
      auto lacks = lacks_transport(party, wire::Transport::DmaBuf);
      return lacks ? lacks : lacks_modifier(party.who, party.device_name, party.modifiers);
    });
  if (obstacle)
    obstacle->text += "; the slots are the producer's own, so there is no other way";
  else
    common = own;
  return obstacle;
}

std::optional<Obstacle> against_dma_buf(const Question& q, std::vector<std::uint64_t>& common) {
  if (q.demand.own_modifier) return against_own_slots(q, common);
  constexpr auto kTransport = wire::Transport::DmaBuf;
  if (auto lacks = lacks_transport(q.producer, kTransport)) return lacks;
  if (q.ours == nullptr) return no_device_of_ours(q);
  if (!q.ours->dma_buf)
    return Obstacle{
        fmt::format("the broker's device '{}' exports no dma-bufs: {}", q.ours->name, q.ours->dma_buf_reason),
        {"the broker", "transport", {}, names_of(q.producer.transports)}};
  common = modifiers_for(q.image, q.ours->modifiers, true);
  if (common.empty())
    return Obstacle{fmt::format("the broker's device '{}' exports no dma-buf of {} that can be used so", q.ours->name,
                                proto::format_info(q.image.format).name),
                    {"the broker", "modifier", {}, modifier_names(modifiers_for(q.image, q.producer.modifiers, false))}};
  return q.first_of_all([&](const Party& party) { return narrow(common, party, q); });
}

std::optional<Obstacle> against_host_memory(const Question& q) {
  return q.first_of_all([](const Party& party) { return lacks_transport(party, wire::Transport::HostMemory); });
}

/// @p modifiers: of transport dma-buf, when nothing stands against it.
std::optional<Obstacle> against(wire::Transport transport, const Question& q, std::vector<std::uint64_t>& modifiers) {
  if (q.demand.transport != wire::Transport::None && q.demand.transport != transport)
    return Obstacle{fmt::format("the producer asked for {} alone", name_of(q.demand.transport)),
                    {q.producer.who, "transport", {name_of(q.demand.transport)}, {name_of(transport)}}};
  for (const Excluded& excluded : q.demand.excluded)
    if (excluded.transport == transport)
      return Obstacle{fmt::format("the broker cannot allocate by {}: {}", name_of(transport), excluded.reason),
                      {"the broker", "transport", names_of(without(kTransports, q.demand.excluded)), {name_of(transport)}}};
  switch (transport) {
    case wire::Transport::OpaqueFd:
      return against_opaque_fd(q);
    case wire::Transport::DmaBuf:
      return against_dma_buf(q, modifiers);
    case wire::Transport::HostMemory:
      return against_host_memory(q);
    default:
      return Obstacle{fmt::format("transport {} is not built in", name_of(transport)),
                      {"the broker", "transport", {}, {name_of(transport)}}};
  }
}

/// Why timelines cannot cross, in the words of whoever has none.
std::optional<Obstacle> against_timelines(wire::Transport transport, const Question& q) {
  const std::vector<std::string> wanted{sync_mode_name(wire::SyncMode::Timeline)};
  if (transport != wire::Transport::OpaqueFd)
    return Obstacle{fmt::format("transport {} has no timelines in common", name_of(transport)),
                    {"transport " + std::string(name_of(transport)), "sync mode", {"host"}, wanted}};
  if (!q.ours->timeline_fd)
    return Obstacle{q.ours->timeline_fd_reason, {"the broker", "sync mode", {"host"}, wanted}};
  return q.first_of_all_who_wait([&](const Party& party) -> std::optional<Obstacle> {
    if (lists(party.sync_modes, wire::SyncMode::Timeline)) return std::nullopt;
    return Obstacle{fmt::format("{} lists no timeline semaphores{}", party.who,
                                party.sync_reason.empty() ? "" : ": " + party.sync_reason),
                    {party.who, "sync mode", names_of(party.sync_modes), wanted}};
  });
}

/// Why no fences can cross, in the words of whoever has none.
std::optional<Obstacle> against_fences(wire::Transport transport, const Question& q) {
  const std::vector<std::string> wanted{sync_mode_name(wire::SyncMode::SyncFd)};
  if (transport == wire::Transport::HostMemory)
    return Obstacle{"transport host-memory copies a frame once it is complete",
                    {"transport host-memory", "sync mode", {"host"}, wanted}};
  return q.first_of_all_who_wait([&](const Party& party) -> std::optional<Obstacle> {
    if (lists(party.sync_modes, wire::SyncMode::SyncFd)) return std::nullopt;
    return Obstacle{fmt::format("{} lists no sync_files{}", party.who,
                                party.sync_fd_reason.empty() ? "" : ": " + party.sync_fd_reason),
                    {party.who, "sync mode", names_of(party.sync_modes), wanted}};
  });
}

/// How points cross by a transport that all have.
struct SyncChoice {
  wire::SyncMode mode{};
  std::string reason;
};

/// What nobody insists on: the best.
SyncChoice best_sync(const Question& q, const std::optional<Obstacle>& no_timelines,
                     const std::optional<Obstacle>& no_fences) {
  const Demand& demand = q.demand;
  const bool is_new = demand.in_use == wire::SyncMode::Automatic;
  if (!no_timelines && (is_new || demand.in_use == wire::SyncMode::Timeline))
    return {wire::SyncMode::Timeline, "timeline: all sides export and import timeline semaphores"};
  const std::string no_better = no_timelines ? no_timelines->text : "consumers have joined without, and it is for life";
  if (demand.in_use == wire::SyncMode::Host && !no_timelines)
    return {wire::SyncMode::Host, "host: consumers have joined in it, and it is for life"};
  // A software driver waits for its work before it exports a fence: nothing is gained, and the producer waits for it.
  const bool gains = q.first_of_all_who_wait([](const Party& party) {
    return party.is_software ? std::optional<Obstacle>(Obstacle{}) : std::nullopt;
  }) == std::nullopt;
  if (!gains || demand.in_use == wire::SyncMode::Host) return {wire::SyncMode::Host, "host: " + no_better};
  if (no_fences) return {wire::SyncMode::Host, fmt::format("host: {}; {}", no_better, no_fences->text)};
  if (!demand.leases_have_channels)
    return {wire::SyncMode::Host, fmt::format("host: {}; there are consumers without a channel for fences", no_better)};
  return {wire::SyncMode::SyncFd, fmt::format("sync-fd, a fence a frame: {}", no_better)};
}

std::string reason_for(wire::Transport transport, const std::vector<std::uint64_t>& modifiers, const Question& q,
                       const std::vector<Obstacle>& obstacles) {
  if (transport == wire::Transport::OpaqueFd) return "opaque-fd: device and driver UUID are equal on all sides";
  std::string why_not;
  for (const Obstacle& obstacle : obstacles)
    if (why_not.find(obstacle.text) == std::string::npos) why_not += (why_not.empty() ? "" : "; ") + obstacle.text;
  if (q.demand.own_modifier) why_not = "the slots are the producer's own";
  if (transport == wire::Transport::DmaBuf)
    return fmt::format("dma-buf, {} as {}: {}", proto::format_info(q.image.format).name, listed(modifiers), why_not);
  return "host-memory, a GPU copy at both ends: " + why_not;
}

/// Whose images are between uses, by dma-buf. Between different drivers the specification wants foreign queues.
void choose_owner(Agreement& agreement, const Question& q) {
  const auto is_another = [&](const Party* consumer) { return !(consumer->device == q.producer.device); };
  if (q.demand.own_modifier) {  // nobody knows who else draws into them, and there will be no others for who has none
    agreement.foreign = q.producer.foreign_queues;
    return;
  }
  if (!q.demand.foreign && std::none_of(q.consumers.begin(), q.consumers.end(), is_another)) return;
  std::string lacks = q.ours != nullptr && !q.ours->foreign_queues ? fmt::format("the broker's device '{}'", q.ours->name) : "";
  q.first_of_all([&](const Party& party) -> std::optional<Obstacle> {
    if (!party.foreign_queues && lacks.empty()) lacks = fmt::format("{} on device '{}'", party.who, party.device_name);
    return std::nullopt;
  });
  agreement.foreign = lacks.empty();
  if (!lacks.empty()) agreement.transport_reason += fmt::format("; external queues, because {} has no foreign ones", lacks);
}

Result<void> check_demand(const Demand& demand, const std::string& who) {
  if (demand.sync > wire::SyncMode::MAX)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} asks for sync mode {}; the last known one is {}", who, static_cast<int>(demand.sync),
                             static_cast<int>(wire::SyncMode::MAX))};
  if (demand.transport > wire::Transport::MAX)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} asks for transport {}; the last known one is {}", who,
                             static_cast<int>(demand.transport), static_cast<int>(wire::Transport::MAX))};
  return {};
}

}  // namespace

Error incompatible(std::string message, Conflict conflict) {
  return {ErrorCode::kIncompatible, std::move(message), std::make_shared<const Conflict>(std::move(conflict))};
}

std::vector<std::string> modifier_names(const std::vector<std::uint64_t>& modifiers) {
  std::vector<std::string> names;
  for (const std::uint64_t modifier : modifiers) names.push_back(platform::modifier_name(modifier));
  return names;
}

std::string to_string(const DeviceKey& key) {
  return fmt::format("device {} driver {}", platform::to_string(key.device_uuid), platform::to_string(key.driver_uuid));
}

DeviceKey key_of(const platform::DeviceCapabilities& ours) { return {ours.device_uuid, ours.driver_uuid}; }

Result<DeviceKey> key_of(const wire::DeviceT* theirs, const std::string& who) {
  if (theirs == nullptr || !theirs->device_uuid || !theirs->driver_uuid)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} names no device UUID and driver UUID", who)};
  return DeviceKey{from_wire(*theirs->device_uuid), from_wire(*theirs->driver_uuid)};
}

void Party::give_up(wire::Transport transport, std::string reason) {
  std::erase(transports, transport);
  lacks.push_back({transport, std::move(reason)});
}

void Party::give_up(std::uint64_t modifier, std::string reason) {
  std::erase_if(modifiers, [&](const platform::FormatModifier& known) { return known.modifier == modifier; });
  if (modifiers.empty()) give_up(wire::Transport::DmaBuf, std::move(reason));
}

Result<Party> party_of(const wire::DeviceT* device, std::string who) {
  const auto key = key_of(device, who);
  if (!key) return key.error();
  // Shown to people, and kept as long as the party: no longer than a line.
  constexpr std::size_t kMaxReason = 200;
  constexpr std::size_t kMaxLacks = 8;
  static constexpr std::size_t kMaxWays = 8;  // more than there are transports or sync modes
  constexpr std::size_t kMaxModifiers = 64 * proto::kFormats.size();
  Party party;
  party.who = std::move(who);
  party.device = *key;
  party.device_name = proto::printable(device->name, 64);
  const auto first = [](const auto& ways) { return std::vector(ways.begin(), ways.begin() + std::min(ways.size(), kMaxWays)); };
  party.transports = first(device->transports);
  party.is_software = device->is_software;
  party.foreign_queues = device->foreign_queues;
  party.sync_modes = first(device->sync_modes);
  party.sync_reason = proto::printable(device->sync_reason, kMaxReason);
  party.sync_fd_reason = proto::printable(device->sync_fd_reason, kMaxReason);
  for (const auto& lack : device->lacks)
    if (lack && party.lacks.size() < kMaxLacks)
      party.lacks.push_back({lack->transport, proto::printable(lack->reason, kMaxReason)});
  for (const wire::FormatModifier& stated : device->modifiers)
    if (proto::find_format(stated.format()) != nullptr && party.modifiers.size() < kMaxModifiers)
      party.modifiers.push_back(from_wire(stated));
  return party;
}

std::size_t bytes_of(const Party& party) {
  std::size_t bytes = sizeof party + party.who.size() + party.device_name.size() + party.sync_reason.size() +
                      party.sync_fd_reason.size() + party.modifiers.size() * sizeof party.modifiers.front();
  for (const Party::Lack& lack : party.lacks) bytes += sizeof lack + lack.reason.size();
  return bytes;
}

Demand demand_for(const Agreement& in_use) {
  Demand demand{static_cast<wire::Transport>(in_use.transport), in_use.sync};
  if (in_use.own) demand.own_modifier = in_use.modifiers.front();
  demand.foreign = in_use.foreign;
  return demand;
}

bool can_exchange_fences(const Party& producer, const Party& consumer) {
  return lists(producer.sync_modes, wire::SyncMode::SyncFd) && lists(consumer.sync_modes, wire::SyncMode::SyncFd);
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

Result<Agreement> negotiate(const platform::DeviceCapabilities* ours, const Party& producer,
                            std::span<const Party* const> consumers, const Demand& demand,
                            const platform::TextureDesc& image) {
  if (auto checked = check_demand(demand, producer.who); !checked) return std::move(checked).error();
  const Question question{ours, producer, consumers, demand, image};
  Agreement agreement;
  agreement.device = producer.device;
  std::vector<Obstacle> obstacles;
  for (const wire::Transport transport : kTransports) {
    if (auto obstacle = against(transport, question, agreement.modifiers)) {
      agreement.modifiers.clear();
      obstacles.push_back(std::move(*obstacle));
      continue;
    }
    const auto no_timelines = against_timelines(transport, question);
    const auto no_fences = against_fences(transport, question);
    const auto& not_wanted_one = demand.sync == wire::SyncMode::Timeline ? no_timelines : no_fences;
    const bool insists = demand.sync == wire::SyncMode::Timeline || demand.sync == wire::SyncMode::SyncFd;
    if (insists && not_wanted_one) {
      obstacles.push_back({fmt::format("{} asks for sync mode {}, but {}", producer.who, sync_mode_name(demand.sync),
                                       not_wanted_one->text),
                           not_wanted_one->conflict});
      agreement.modifiers.clear();
      continue;
    }
    agreement.transport = static_cast<platform::Transport>(transport);
    agreement.own = demand.own_modifier.has_value();
    agreement.transport_reason = reason_for(transport, agreement.modifiers, question, obstacles);
    if (transport == wire::Transport::DmaBuf) choose_owner(agreement, question);
    SyncChoice choice{demand.sync, fmt::format("{}: the producer asked for it", sync_mode_name(demand.sync))};
    if (demand.sync == wire::SyncMode::Timeline || demand.sync == wire::SyncMode::Automatic)
      choice = best_sync(question, no_timelines, no_fences);
    agreement.sync = choice.mode;
    agreement.sync_reason = std::move(choice.reason);
    return agreement;
  }
  // The last transport takes almost anybody, so what stands against it weighs most; the others explain. Of a producer that
  // wants one transport alone only that one counts, and of one that wants timelines or fences one that has them decides.
  auto wanted = demand.transport;
  if (wanted == wire::Transport::None && demand.sync == wire::SyncMode::Timeline) wanted = wire::Transport::OpaqueFd;
  if (wanted == wire::Transport::None && demand.sync == wire::SyncMode::SyncFd)
    wanted = obstacles.front().conflict.constraint == "sync mode" ? wire::Transport::OpaqueFd : wire::Transport::DmaBuf;
  std::string message;
  Obstacle* decisive = &obstacles.back();
  for (std::size_t i = 0; i < obstacles.size(); ++i) {
    const bool counts = demand.transport == wire::Transport::None || demand.transport == kTransports[i];
    if (!counts) continue;
    if (wanted == wire::Transport::None || wanted == kTransports[i]) decisive = &obstacles[i];
    const std::string& text = obstacles[i].text;
    if (message.find(text) == std::string::npos) message += (message.empty() ? "" : "; ") + text;
  }
  if (message.empty()) message = decisive->text;  // a transport that is not built in
  return incompatible(std::move(message), std::move(decisive->conflict));
}

}  // namespace ferry::daemon
