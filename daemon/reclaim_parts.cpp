// StreamService: the parts that clients hand back after a broker has gone (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/stream_service.h"
#include "daemon/wire_convert.h"
#include "platform/vulkan/driver_fd.h"
#include "proto/generation_sync.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::GenerationId;
using proto::Result;
using proto::StreamId;

namespace {

constexpr std::size_t kMaxPartGenerations = 8;  // more than any producer or consumer keeps
constexpr std::size_t kMaxReason = 200;

/// What a client may say of a generation as long as it likes, no longer than it is ever shown or can be used.
void shorten(wire::GenerationT& info) {
  for (std::string* reason : {&info.reason, &info.transport_reason, &info.sync_reason})
    *reason = proto::printable(*reason, kMaxReason);
  if (info.planes.size() <= platform::kMaxPlanes) return;
  info.planes.resize(platform::kMaxPlanes + 1);  // too many still
  info.planes.shrink_to_fit();
}

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
  shorten(*part->generation);
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

/// What is in use was agreed before, but this broker may have other devices, and the claimer may lie.
Result<Agreement> StreamService::agree_as_it_is(const wire::GenerationT& info, const platform::TextureDesc& image,
                                                const Party& party) const {
  Demand as_it_is{info.transport, proto::sync_of(info)};
  if (info.own) as_it_is.own_modifier = info.modifier;
  auto agreement = agree(party, {}, as_it_is, image);
  if (!agreement) return agreement;
  agreement->foreign = info.foreign;
  agreement->transport_reason = proto::printable(info.transport_reason, kMaxReason);
  agreement->sync_reason = proto::printable(info.sync_reason, kMaxReason);
  return agreement;
}

Result<void> StreamService::restore_generation(HandedBackParts::GenerationPart& part, const Party& party,
                                               const Allowance& allowance, const std::string& stream,
                                               RestoredGenerations& restored) {
  const wire::GenerationT& info = part.info;
  const std::string printable = proto::printable(stream);
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for stream '{}'", what, printable)};
  };
  if (info.slot_count < proto::kMinSlots || info.slot_count > limits_.max_slots)
    return invalid(fmt::format("{} slots, outside {} to {}", info.slot_count, proto::kMinSlots, limits_.max_slots));
  const auto image = check_image(info.image.get(), limits_, fmt::format("generation {} of stream '{}'", info.id, printable));
  if (!image) return image.error();
  if (info.transport == wire::Transport::None) return invalid("a generation without a transport");
  auto agreement = agree_as_it_is(info, *image, party);
  if (!agreement) return std::move(agreement).error();
  auto device = device_for(*agreement, party.who);
  if (!device) return std::move(device).error();
  part.descriptors = Reservation();  // the generation has its own
  auto generation = Generation::restore({info, *image, *agreement, std::move(part.fds), part.by_client}, device->get(),
                                        allowance, printable);
  if (!generation) return std::move(generation).error();
  if (const std::uint64_t modifier = (*generation)->layout().modifier; !(*generation)->lies_as(*agreement))
    return incompatible(
        fmt::format("generation {} of stream '{}' lies in modifier {}, which this broker cannot allocate again", info.id,
                    printable, platform::modifier_name(modifier)),
        {"the broker", "modifier", modifier_names(agreement->modifiers), modifier_names({modifier})});
  restored.generations.push_back(std::move(*generation));
  restored.take_way(std::move(*agreement), std::move(*device), info.id);
  return {};
}

/// One that the stream has from a broker: @p party goes on with it, and pays.
Result<void> StreamService::resume_generation(Generation& own, const Party& party, const Allowance& allowance,
                                              const std::string& stream, RestoredGenerations& restored) {
  auto agreement = agree_as_it_is(*own.describe(), own.spec().image, party);
  if (!agreement) return std::move(agreement).error();
  auto device = device_for(*agreement, party.who);
  if (!device) return std::move(device).error();
  if (auto paid = own.pay_from(allowance, proto::printable(stream)); !paid) return paid;
  restored.take_way(std::move(*agreement), std::move(*device), raw(own.id()));
  return {};
}

Result<StreamService::RestoredGenerations> StreamService::restore_generations(HandedBackParts& parts, const Party& party,
                                                                              const Allowance& allowance,
                                                                              const std::string& stream,
                                                                              const Stream* known) {
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for stream '{}'", what, proto::printable(stream))};
  };
  if (parts.refused) return *parts.refused;
  if (parts.generations.empty()) return invalid("no generation is handed back");
  RestoredGenerations restored;
  std::uint32_t last = 0;
  for (HandedBackParts::GenerationPart& part : parts.generations) {
    if (part.info.id <= last)
      return invalid(fmt::format("generation {} does not come after the one before it", part.info.id));
    last = part.info.id;
    // What a broker has kept is beyond doubt: the client's word on it is not needed.
    if (known != nullptr && known->find_own_generation(GenerationId{last}) != nullptr) {
      part.descriptors = Reservation();
      continue;
    }
    if (auto done = restore_generation(part, party, allowance, stream, restored); !done) return std::move(done).error();
  }
  if (known == nullptr) return restored;
  for (const auto& generation : known->generations())
    if (!generation->handed_back() && raw(generation->id()) >= parts.oldest_generation())
      if (auto done = resume_generation(*generation, party, allowance, stream, restored); !done)
        return std::move(done).error();
  return restored;
}

}  // namespace ferry::daemon
