// StreamService: leases that their consumers claim after a broker has gone, and the streams of producers that are not there
// (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/handed_back.h"
#include "daemon/reclaim_checks.h"
#include "daemon/stream_service.h"
#include "platform/clock.h"
#include "platform/vulkan/driver_fd.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::LeaseId;
using proto::Result;
using proto::StreamId;

Result<void> StreamService::reclaim_lease(Session& session, std::uint64_t request,
                                          std::unique_ptr<wire::ReclaimLeaseT> asked, std::vector<UniqueFd> fds) {
  HandedBackParts parts = take_parts(session, asked->stream);
  if (auto ok = proto::check_stream_name(asked->name); !ok) return ok;
  const std::string object = fmt::format("lease {} of stream '{}'", asked->lease, proto::printable(asked->name));
  auto of_lease = Reservation::take(session.allowance().descriptors, kDescriptorsOfLease, object);
  if (!of_lease) return std::move(of_lease).error();
  auto page = share_page<proto::LeasePage>(std::move(fds[0]), proto::PageKind::kLease, std::move(*of_lease));
  if (!page) return std::move(page).error();
  auto of_stream = Reservation::take(session.allowance().descriptors, kDescriptorsOfStream, object);
  if (!of_stream) return std::move(of_stream).error();
  auto stream_page = share_page<proto::StreamPage>(std::move(fds[1]), proto::PageKind::kStream, std::move(*of_stream));
  if (!stream_page) return std::move(stream_page).error();
  if (auto ok = check_writer((*page)->fd, (*page)->page().writer, *session.process(), object); !ok) return ok;
  auto need = check_need(asked->name, asked->mode, asked->max_holds, asked->queue_depth);
  if (!need) return std::move(need).error();
  need->completed_only = asked->completed_only;
  auto party = party_of(asked->device.get(), in_role("consumer", session));
  if (!party) return std::move(party).error();
  if (asked->lease == 0 || asked->lease > first_id_ || asked->lease_index >= proto::kMaxLeases ||
      session.holdings.leases.contains(LeaseId{asked->lease}))
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} was never given out by an earlier broker", object)};
  const std::size_t leases = session.holdings.leases.size() + waiting_count(session);
  if (leases >= limits_.max_leases_per_session)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("{} has or waits for {} leases; the limit max_leases_per_session is {}", session.name(),
                             leases, limits_.max_leases_per_session)};
  UniqueFd timeline = asked->has_release_timeline ? std::move(fds[2]) : UniqueFd{};
  if (timeline)
    if (auto ok = platform::check_driver_fd(timeline, 0, false); !ok) return ok;
  auto memory = Reservation::take(session.allowance().messages, sizeof(LeaseClaim) + sizeof *asked + bytes_of(*party), object);
  if (!memory) return std::move(memory).error();
  asked->device.reset();  // the party has what is needed of it
  LeaseClaim claim{&session,
                   request,
                   std::move(asked),
                   std::move(*party),
                   std::move(*memory),
                   *need,
                   std::move(*page),
                   std::move(*stream_page),
                   std::move(timeline),
                   platform::now_ns()};
  if (Stream* stream = find(StreamId{claim.asked->stream})) return settle(claim, *stream);
  if (auto awaited = await_absent(); !awaited) return awaited;  // those who were here before
  const auto wait = [&](const Error& why) -> Result<void> {
    spdlog::debug("{} waits for its producer: {}", object, why.message);
    waiting_claims_.push_back(std::move(claim));
    return {};
  };
  auto producer = may_restore(claim);
  if (!producer) return wait(producer.error());
  const bool is_expected = !(*producer)->gone();
  auto restored = restore_for(claim, std::move(parts), std::move(*producer));
  // On the device of this consumer the slots cannot be taken back; the producer's may be another one.
  if (!restored && restored.error().code == ErrorCode::kIncompatible && is_expected)
    return wait(restored.error());
  if (!restored) return std::move(restored).error();
  if (auto settled = settle(claim, **restored); !settled) {
    drop_if_unused((*restored)->id());
    return settled;
  }
  settle_waiting_claims(**restored);
  return {};
}

/// The process that produces, or produced, the stream: if the claimer may speak for it. Who may not waits for somebody
/// who may, or for the producer.
Result<std::shared_ptr<Process>> StreamService::may_restore(const LeaseClaim& claim) const {
  const platform::PeerIdentity& peer = claim.session->process()->identity();
  auto denied = [&](const char* why) { return Error{ErrorCode::kPermissionDenied, why}; };
  if (claim.need.completed_only) return denied("it was given no timelines");
  const auto file = platform::identify_file(claim.stream_page->fd);
  if (!file) return file.error();
  if (file->owner != peer.uid) return denied("its producer is another user");
  auto producer = writer_of(claim.stream_page->fd, claim.stream_page->page().writer);
  if (!producer) return producer;
  // Of a producer that is gone only the user is known.
  const bool same_domain = (*producer)->gone() ? peer.origin.sandbox.empty()
                                               : domain_of((*producer)->identity()) == domain_of(peer);
  if (!same_domain) return denied("its producer is of another trust domain");
  if (auto may = permit(*claim.session, Action::kProduce, claim.asked->name); !may) return std::move(may).error();
  return producer;
}

/// A stream whose producer is not here: not yet, or no more.
Result<Stream*> StreamService::restore_for(const LeaseClaim& claim, HandedBackParts parts,
                                           std::shared_ptr<Process> process) {
  const wire::ReclaimLeaseT& asked = *claim.asked;
  const std::string object = fmt::format("stream '{}'", proto::printable(asked.name));
  if (find(asked.name) != nullptr)
    return Error{ErrorCode::kNotFound, fmt::format("{} is another's by now", object)};
  if (auto ok = check_earlier_stream(asked.stream); !ok) return std::move(ok).error();
  const auto past =
      check_past(asked.newest_generation, asked.producers, asked.next_sequence, parts.newest_generation(), object);
  if (!past) return past.error();
  auto generations = restore_generations(parts, claim.party, claim.session->allowance(), asked.name);
  if (!generations) return std::move(generations).error();
  Producer producer;
  producer.party = claim.party;
  producer.demand = {static_cast<wire::Transport>(generations->agreement.transport), generations->agreement.sync};
  producer.process = std::move(process);
  producer.page = claim.stream_page;
  producer.allowance = claim.session->allowance();
  producer.queue_policy =
      asked.queue_policy == wire::QueuePolicy::Block ? proto::QueuePolicy::kBlock : proto::QueuePolicy::kDrop;
  producer.frames_in_flight = 1;
  auto restored = restore_stream(domain_of(claim.session->process()->identity()), StreamId{asked.stream}, asked.name,
                                 std::move(producer), std::move(*generations), *past);
  if (!restored) return restored;
  Stream& stream = **restored;
  spdlog::info("stream {} handed back by its consumer {}; its producer (pid {}) is {}", stream.log_name(),
               claim.session->name(), stream.producer().process->pid(),
               stream.producer().process->gone() ? "gone" : "expected");
  if (has_left(claim.stream_page->page().writer)) {
    names_.erase(stream.name());
    stream.close();
    return &stream;
  }
  stream.expects_others_until_ns = platform::now_ns() + grace_ns();
  stream.abandon();
  orphan_when_gone(stream);
  return &stream;
}

Result<void> StreamService::settle(LeaseClaim& claim, Stream& stream) {
  const wire::ReclaimLeaseT& asked = *claim.asked;
  if (auto may = permit(*claim.session, Action::kView, stream.name(), &stream.domain()); !may) return may;
  const std::string object = fmt::format("lease {} of stream {}", asked.lease, stream.log_name());
  const auto theirs = platform::identify_file(claim.stream_page->fd);
  const auto ours = platform::identify_file(stream.producer().page->fd);
  if (asked.name != stream.name() || !theirs || !ours || !theirs->same_file(*ours))
    return Error{ErrorCode::kNotFound, fmt::format("stream {} is another's by now", stream.log_name())};
  const Agreement& in_use = stream.agreement();
  const bool foreign = domain_of(claim.session->process()->identity()) != stream.domain();
  std::optional<Agreement> narrower;
  if (foreign) {
    if (auto fits = check_fits(stream, claim.party); !fits) return fits;
  } else {
    std::vector<const Party*> consumers = stream.consumers();
    consumers.push_back(&claim.party);
    claim.party.completed_only = in_use.own && claim.need.completed_only;
    auto fits = agree(stream.producer().party, consumers, demand_for(in_use), stream.newest_generation().spec().image);
    if (!fits) return std::move(fits).error();
    fits->foreign = in_use.foreign;  // agreed when it joined
    if (!stream.newest_generation().lies_as(*fits))
      return incompatible(fmt::format("{} imports modifiers other than the one in use", claim.party.who),
                          {claim.party.who, "modifier", modifier_names(fits->modifiers),
                           modifier_names({stream.newest_generation().layout().modifier})});
    narrower = std::move(*fits);
  }
  if (foreign && (claim.release_timeline || (in_use.publishes_early() && !claim.need.completed_only)))
    return Error{ErrorCode::kPermissionDenied, fmt::format("{} has timelines of {}: attach anew", object,
                                                           to_string(stream.domain()))};
  if (stream.leases().size() + stream.absent().size() > limits_.max_leases_per_stream)
    return Error{ErrorCode::kLimitExceeded, fmt::format("stream {} has more leases than max_leases_per_stream = {}",
                                                        stream.log_name(), limits_.max_leases_per_stream)};
  auto lease = std::make_unique<Lease>();
  lease->id = LeaseId{asked.lease};
  lease->index = asked.lease_index;
  lease->session = claim.session;
  lease->bin = claim.session->allowance().bin;
  lease->party = claim.party;
  lease->memory = std::move(claim.memory);
  lease->need = claim.need;
  lease->foreign = foreign;
  lease->has_fence_channel = asked.has_fence_channel;
  lease->page = claim.page;
  lease->attached_ns = platform::now_ns();
  lease->newest_known = proto::GenerationId{asked.newest_known};
  if (claim.release_timeline) {
    if (stream.device() == nullptr)
      return Error{ErrorCode::kInvalidArgument, fmt::format("{} has a release timeline without a device", object)};
    auto timeline = import_handed_back_timeline(std::move(claim.release_timeline), *stream.device());
    if (!timeline) return std::move(timeline).error();
    lease->release_timeline = std::move(*timeline);
  }
  if (narrower) stream.narrow(std::move(*narrower));
  auto readmitted = stream.readmit(std::move(lease), claim.request);
  if (!readmitted) return std::move(readmitted).error();
  if (*readmitted == nullptr) return {};  // it has been told
  claim.session->holdings.leases.emplace((*readmitted)->id, stream.id());
  spdlog::info("stream {}: lease {} claimed by {}", stream.log_name(), asked.lease, claim.party.who);
  return {};
}

void StreamService::settle_waiting_claims(Stream& stream) {
  for (auto waiting = waiting_claims_.begin(); waiting != waiting_claims_.end();) {
    if (StreamId{waiting->asked->stream} != stream.id()) {
      ++waiting;
      continue;
    }
    LeaseClaim claim = std::move(*waiting);
    waiting = waiting_claims_.erase(waiting);
    auto settled = settle(claim, stream);
    if (settled) continue;
    spdlog::warn("ReclaimLease of {} refused: {}", claim.session->name(), settled.error().message);
    claim.session->refuse(claim.request, settled.error());
  }
}

}  // namespace ferry::daemon
