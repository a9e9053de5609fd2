// StreamService: the parts that clients hand back after a broker has gone (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/stream_service.h"
#include "daemon/wire_convert.h"
#include "platform/vulkan/driver_fd.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;
using proto::StreamId;

namespace {

constexpr std::size_t kMaxPartGenerations = 8;  // more than any producer or consumer keeps
constexpr std::size_t kMaxReason = 200;

/// Looked at when they come, not only when they are imported: a session that handed its own socket back would never be
/// seen to hang up.
Result<void> check_kinds(std::span<const UniqueFd> fds) {
  for (const UniqueFd& fd : fds)
    if (auto checked = platform::check_driver_fd(fd, 0, false); !checked) return checked;
  return {};
}

}  // namespace

/// Of one stream at a time: whoever begins with another has given up the one before.
HandedBackParts& StreamService::parts_of(Session& session, std::uint64_t stream) {
  HandedBackParts& parts = parts_[&session];
  if (parts.stream != StreamId{stream}) {
    parts = HandedBackParts();
    parts.stream = StreamId{stream};
  }
  return parts;
}

HandedBackParts StreamService::take_parts(Session& session, std::uint64_t stream) {
  HandedBackParts parts = std::move(parts_of(session, stream));
  parts_.erase(&session);
  return parts;
}

Result<void> StreamService::hand_back_generation(Session& session, std::unique_ptr<wire::HandBackGenerationT> part,
                                                 std::vector<UniqueFd> fds) {
  if (!part->generation) return Error{ErrorCode::kProtocolViolation, "HandBackGeneration describes no generation"};
  if (auto checked = check_kinds(fds); !checked) return checked;
  HandedBackParts& parts = parts_of(session, part->stream);
  if (parts.generations.size() == kMaxPartGenerations)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("more than {} generations of stream {} are handed back", kMaxPartGenerations, part->stream)};
  auto descriptors = Reservation::take(session.allowance().descriptors, fds.size(),
                                       fmt::format("generation {} of stream {}", part->generation->id, part->stream));
  if (descriptors)
    parts.generations.push_back({std::move(*part->generation), std::move(fds), std::move(*descriptors)});
  else
    parts.refused = descriptors.error();
  return {};
}

Result<void> StreamService::hand_back_lease(Session& session, const wire::HandBackLeaseT& part,
                                            std::vector<UniqueFd> fds) {
  if (auto checked = check_kinds(std::span(fds).subspan(1)); !checked) return checked;
  HandedBackParts& parts = parts_of(session, part.stream);
  if (parts.leases.size() == proto::kMaxLeases)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("more than {} leases of stream {} are handed back", proto::kMaxLeases, part.stream)};
  auto descriptors = Reservation::take(session.allowance().descriptors, kDescriptorsOfLease,
                                       fmt::format("lease {} of stream {}", part.lease, part.stream));
  if (!descriptors) {
    parts.refused = descriptors.error();
    return {};
  }
  auto page = share_page<proto::LeasePage>(std::move(fds[0]), proto::PageKind::kLease, std::move(*descriptors));
  if (!page) return std::move(page).error();
  parts.leases.push_back({part, std::move(*page), part.has_release_timeline ? std::move(fds[1]) : UniqueFd{}});
  return {};
}

Result<StreamService::RestoredGenerations> StreamService::restore_generations(HandedBackParts& parts, const Party& party,
                                                                              const Allowance& allowance,
                                                                              const std::string& stream) {
  const std::string printable = proto::printable(stream);
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for stream '{}'", what, printable)};
  };
  if (parts.refused) return *parts.refused;
  if (parts.generations.empty()) return invalid("no generation is handed back");
  RestoredGenerations restored;
  for (HandedBackParts::GenerationPart& part : parts.generations) {
    const wire::GenerationT& info = part.info;
    if (info.id == 0 || (!restored.generations.empty() && info.id <= raw(restored.generations.back()->id())))
      return invalid(fmt::format("generation {} does not come after the one before it", info.id));
    if (info.slot_count < proto::kMinSlots || info.slot_count > limits_.max_slots)
      return invalid(fmt::format("{} slots, outside {} to {}", info.slot_count, proto::kMinSlots, limits_.max_slots));
    const auto image = check_image(info.image.get(), limits_, fmt::format("generation {} of stream '{}'", info.id, printable));
    if (!image) return image.error();
    // What is in use was agreed before, but this broker may have other devices, and the claimer may lie.
    const auto sync = info.has_timeline ? wire::SyncMode::Timeline : wire::SyncMode::Host;
    if (info.transport == wire::Transport::None) return invalid("a generation without a transport");
    auto agreement = agree(party, {}, {info.transport, sync}, *image);
    if (!agreement) return std::move(agreement).error();
    agreement->transport_reason = proto::printable(info.transport_reason, kMaxReason);
    agreement->sync_reason = proto::printable(info.sync_reason, kMaxReason);
    auto device = device_for(*agreement, party.who);
    if (!device) return std::move(device).error();
    part.descriptors = Reservation();  // the generation has its own
    auto generation = Generation::restore({info, *image, *agreement, std::move(part.fds)}, device->get(), allowance, printable);
    if (!generation) return std::move(generation).error();
    if (const std::uint64_t modifier = (*generation)->layout().modifier; !(*generation)->lies_as(*agreement))
      return incompatible(
          fmt::format("generation {} of stream '{}' lies in modifier {}, which this broker cannot allocate again", info.id,
                      printable, platform::modifier_name(modifier)),
          {"the broker", "modifier", modifier_names(agreement->modifiers), modifier_names({modifier})});
    restored.generations.push_back(std::move(*generation));
    restored.agreement = std::move(*agreement);
    restored.device = std::move(*device);
  }
  return restored;
}

}  // namespace ferry::daemon
