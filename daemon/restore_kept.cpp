// StreamService: streams that the service manager has kept (docs/decisions/0012).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "daemon/reclaim_checks.h"
#include "daemon/stream_service.h"
#include "platform/clock.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;
using proto::StreamId;

namespace {

using VerdictPage = platform::PeerPage<proto::VerdictPage>;

/// Whether @p stream knows every lease that was alive.
bool has_all_places(const proto::VerdictPage& verdict, const Stream& stream) {
  for (std::uint32_t index = 0; index < proto::kMaxLeases; ++index) {
    const std::uint64_t alive = verdict.leases[index].alive.load(std::memory_order_seq_cst);
    if (alive != 0 && !stream.knew(proto::LeaseId{alive})) return false;
  }
  return true;
}

std::string described(const Process& process) {
  return process.gone() ? fmt::format("producer (pid {})", process.pid())
                        : fmt::format("producer '{}' (pid {})", process.name(), process.pid());
}

}  // namespace

Result<void> StreamService::restore_kept(StreamId id, KeptParts kept, const AllowanceOf& allowance_of) {
  if (kept.stream.empty()) return Error{ErrorCode::kNotFound, "nothing says what it is called and who made it"};
  auto& [about, fds] = kept.stream.rbegin()->second;
  const wire::ReclaimStreamT& claim = *about.claim;
  if (auto ok = proto::check_stream_name(claim.name); !ok) return ok;
  const std::string object = fmt::format("stream '{}'", proto::printable(claim.name));
  if (find(claim.name) != nullptr) return Error{ErrorCode::kNameTaken, fmt::format("{} is another's", object)};
  if (auto ok = check_earlier_stream(raw(id)); !ok) return ok;
  const Allowance allowance = allowance_of({about.uid, about.sandbox});

  auto descriptors = Reservation::take(allowance.descriptors, kDescriptorsOfStream, object);
  if (!descriptors) return std::move(descriptors).error();
  auto page = share_page<proto::StreamPage>(std::move(fds[0]), proto::PageKind::kStream, std::move(*descriptors));
  if (!page) return std::move(page).error();
  const auto verdict = VerdictPage::map(fds[1], proto::PageKind::kVerdict);
  if (!verdict) return verdict.error();
  const auto file = platform::identify_file((*page)->fd);
  if (!file) return file.error();
  if (file->owner != about.uid)
    return Error{ErrorCode::kPermissionDenied, fmt::format("its page is uid {}'s, not uid {}'s", file->owner, about.uid)};

  Producer producer;
  auto process = writer_of((*page)->fd, (*page)->page().writer);
  if (!process) return std::move(process).error();
  producer.process = std::move(*process);
  auto party = party_of(claim.device.get(), described(*producer.process));
  if (!party) return std::move(party).error();
  producer.party = std::move(*party);
  producer.demand = {claim.transport, claim.sync_mode};
  producer.application = proto::printable(about.application, proto::kMaxApplicationBytes);
  producer.page = *page;
  producer.allowance = allowance;
  producer.queue_policy =
      claim.queue_policy == wire::QueuePolicy::Block ? proto::QueuePolicy::kBlock : proto::QueuePolicy::kDrop;
  producer.frames_in_flight = std::clamp(claim.frames_in_flight, 1u, proto::kMaxFramesInFlight);
  producer.min_slots = std::min(claim.min_slots, static_cast<std::uint32_t>(limits_.max_slots));

  HandedBackParts parts = to_parts(kept, allowance);
  const proto::VerdictPage& told = verdict->page();
  const auto past =
      check_past(told.generation.load(std::memory_order_seq_cst), told.producers.load(std::memory_order_seq_cst),
                 proto::StreamPageReader((*page)->page()).published() + 1, parts.newest_generation(), object);
  if (!past) return past.error();
  auto generations = restore_generations(parts, producer.party, allowance, claim.name);
  if (!generations) return std::move(generations).error();
  auto restored = restore_stream({about.uid, about.sandbox}, id, claim.name, std::move(producer),
                                 std::move(*generations), *past);
  if (!restored) return std::move(restored).error();
  Stream& stream = **restored;
  stream.being_restored = true;
  expect_leases(stream, std::move(parts.leases));
  stream.being_restored = false;
  stream.knows_places = has_all_places(told, stream);
  const bool producer_lives = !stream.producer().process->gone();
  spdlog::info("stream {} kept by the service manager: generation {}, {} leases expected; its producer (pid {}) is {}",
               stream.log_name(), raw(stream.newest_generation().id()), stream.absent().size(),
               stream.producer().process->pid(), producer_lives ? "expected" : "gone");
  if (has_left((*page)->page().writer)) {
    names_.erase(stream.name());
    stream.close();
  } else {
    if (producer_lives || !stream.knows_places) stream.expects_others_until_ns = platform::now_ns() + grace_ns();
    stream.abandon();
    orphan_when_gone(stream);
  }
  drop_if_unused(id);
  return await_absent();
}

/// As a client would have handed them back.
HandedBackParts StreamService::to_parts(KeptParts& kept, const Allowance& allowance) const {
  HandedBackParts parts;
  const auto paid = [&](std::uint64_t amount, const std::string& what) {
    auto taken = Reservation::take(allowance.descriptors, amount, what);
    if (taken) return std::move(*taken);
    parts.refused = taken.error();
    return Reservation();
  };
  for (auto& [id, generation] : kept.generations) {
    const std::size_t count = generation.fds.size();
    parts.generations.push_back({std::move(*generation.about.part->generation), std::move(generation.fds),
                                 paid(count, fmt::format("generation {}", id)), generation.about.handed_back});
  }
  for (auto& [id, lease] : kept.leases) {
    auto page = share_page<proto::LeasePage>(std::move(lease.fds[0]), proto::PageKind::kLease,
                                             paid(kDescriptorsOfLease, fmt::format("lease {}", id)));
    if (!page) {
      spdlog::warn("lease {}, which the service manager has kept, is not taken: {}", id, page.error().message);
      continue;
    }
    HandedBackParts::LeasePart part{*lease.about.part, std::move(*page),
                                    lease.fds.size() > 1 ? std::move(lease.fds[1]) : UniqueFd{}, std::nullopt, false};
    if (lease.about.device)
      if (auto party = party_of(lease.about.device.get(), fmt::format("the consumer of lease {}", id)); party)
        part.party = std::move(*party);
    parts.leases.push_back(std::move(part));
  }
  return parts;
}

}  // namespace ferry::daemon
