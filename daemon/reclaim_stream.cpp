// StreamService: streams that their producers hand back after a broker has gone (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/audit.h"
#include "daemon/handed_back.h"
#include "daemon/reclaim_checks.h"
#include "daemon/stream_service.h"
#include "platform/clock.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::LeaseId;
using proto::Result;
using proto::StreamId;

Result<void> StreamService::check_earlier_stream(std::uint64_t id) const {
  if (id == 0 || id > first_id_)
    return Error{ErrorCode::kInvalidArgument, fmt::format("stream {} was never given out by an earlier broker", id)};
  if (streams_.size() >= limits_.max_streams)
    return Error{ErrorCode::kLimitExceeded, fmt::format("there are {} streams; the limit max_streams is {}",
                                                        streams_.size(), limits_.max_streams)};
  return {};
}

Result<Stream*> StreamService::restore_stream(const TrustDomain& domain, StreamId id, const std::string& name,
                                              Producer producer, RestoredGenerations generations, const Past& past) {
  Stream::Setup setup;
  setup.id = id;
  setup.name = name;
  setup.domain = domain;
  setup.store = store_;
  setup.agreement = std::move(generations.agreement);
  setup.device = std::move(generations.device);
  setup.producer = std::move(producer);
  setup.max_slots = static_cast<std::uint32_t>(limits_.max_slots);
  auto restored = Stream::restore(std::move(setup), std::move(generations.generations), past);
  if (!restored) return std::move(restored).error();
  Stream& stream = **restored;
  streams_.emplace(stream.id(), std::move(*restored));
  names_[stream.name()] = stream.id();
  stream.keep();
  return &stream;
}

Result<void> StreamService::reclaim_stream(Session& session, std::uint64_t request, const wire::ReclaimStreamT& claim,
                                           UniqueFd page_fd) {
  HandedBackParts parts = take_parts(session, claim.stream);
  if (auto ok = proto::check_stream_name(claim.name); !ok) return ok;
  const std::string object = fmt::format("stream '{}'", proto::printable(claim.name));
  auto descriptors = Reservation::take(session.allowance().descriptors, kDescriptorsOfStream, object);
  if (!descriptors) return std::move(descriptors).error();
  auto page = share_page<proto::StreamPage>(std::move(page_fd), proto::PageKind::kStream, std::move(*descriptors));
  if (!page) return std::move(page).error();
  if (auto ok = check_writer((*page)->fd, (*page)->page().writer, *session.process(), object); !ok) return ok;
  if (auto may = permit(session, Action::kProduce, claim.name); !may) return may;
  if (session.holdings.streams.size() >= limits_.max_streams_per_session)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("{} produces {} streams; the limit max_streams_per_session is {}", session.name(),
                             session.holdings.streams.size(), limits_.max_streams_per_session)};
  wire::CreateStreamT as_created;
  as_created.name = claim.name;
  if (claim.device) as_created.device = std::make_unique<wire::DeviceT>(*claim.device);
  as_created.transport = claim.transport;
  as_created.sync_mode = claim.sync_mode;
  as_created.queue_policy = claim.queue_policy;
  as_created.frames_in_flight = claim.frames_in_flight;
  as_created.min_slots = claim.min_slots;
  auto producer = check_producer(session, as_created, *page);
  if (!producer) return std::move(producer).error();
  const auto past =
      check_past(claim.newest_generation, claim.producers, claim.next_sequence, parts.newest_generation(), object);
  if (!past) return past.error();

  Stream* stream = find(StreamId{claim.stream});
  if (auto may = check_is_awaited(stream, session, claim.name, (*page)->fd); !may) return may;
  if (stream == nullptr)
    if (auto ok = check_earlier_stream(claim.stream); !ok) return ok;
  const proto::GenerationId oldest{parts.oldest_generation()}, newest{parts.newest_generation()};
  if (stream != nullptr) stream->stop_paying();
  auto generations = restore_generations(parts, producer->party, session.allowance(), claim.name, stream);
  if (!generations) return std::move(generations).error();
  if (stream == nullptr) {
    auto restored = restore_stream(domain_of(session.process()->identity()), StreamId{claim.stream}, claim.name,
                                   std::move(*producer), std::move(*generations), *past);
    if (!restored) return std::move(restored).error();
    stream = *restored;
  } else {
    stream->rejoin(std::move(*producer), std::move(generations->agreement), std::move(generations->device),
                   std::move(generations->generations), oldest, *past);
  }
  session.holdings.streams.insert(stream->id());
  expect_leases(*stream, std::move(parts.leases));
  spdlog::info("stream {} handed back by {}: generation {}, {} leases expected", stream->log_name(), session.name(),
               raw(stream->newest_generation().id()), stream->absent().size());
  stream->answer_reclaim(request);
  stream->make_up(newest);
  settle_waiting_claims(*stream);
  serve_waiting(*stream);
  grow_pool(*stream);
  return {};
}

/// The stream that a producer claims is nobody's yet, or was brought back by its consumers.
Result<void> StreamService::check_is_awaited(const Stream* stream, Session& session, const std::string& name,
                                             const UniqueFd& page) {
  const Stream* of_that_name = find(name);
  if (of_that_name == nullptr && stream == nullptr) return {};
  const std::string object = fmt::format("stream '{}'", proto::printable(name));
  if (of_that_name != nullptr && domain_of(session.process()->identity()) != of_that_name->domain()) {
    const Decision refused{false, fmt::format("it belongs to {}", to_string(of_that_name->domain()))};
    audit(session.process()->identity(), Action::kProduce, name, refused, session.refusals);
    return Error{ErrorCode::kPermissionDenied, fmt::format("{} belongs to {}", object, to_string(of_that_name->domain()))};
  }
  const bool awaited = of_that_name == stream && !stream->has_producer() && stream->state() == proto::StreamState::kLive;
  const auto theirs = platform::identify_file(page);
  const auto ours = awaited ? platform::identify_file(stream->producer().page->fd) : theirs;
  if (!awaited || !theirs || !ours || !theirs->same_file(*ours))
    return Error{ErrorCode::kNameTaken, fmt::format("{} is another's by now", object)};
  return {};
}

void StreamService::expect_leases(Stream& stream, std::vector<HandedBackParts::LeasePart> parts) {
  for (HandedBackParts::LeasePart& part : parts) {
    const wire::HandBackLeaseT& info = part.info;
    auto expected = [&]() -> Result<void> {
      auto need = check_need(stream.name(), info.mode, info.max_holds, info.queue_depth);
      if (!need) return std::move(need).error();
      need->completed_only = info.completed_only;
      if (info.lease == 0 || info.lease > first_id_ || info.lease_index >= proto::kMaxLeases)
        return Error{ErrorCode::kInvalidArgument, fmt::format("its number or its place {} cannot be", info.lease_index)};
      if (stream.find_lease(LeaseId{info.lease}) == nullptr &&
          stream.leases().size() + stream.absent().size() >= limits_.max_leases_per_stream)
        return Error{ErrorCode::kLimitExceeded,
                     fmt::format("the limit max_leases_per_stream is {}", limits_.max_leases_per_stream)};
      auto process = writer_of(part.page->fd, part.page->page().writer);
      if (!process) return std::move(process).error();
      AbsentLease absent;
      absent.id = LeaseId{info.lease};
      absent.index = info.lease_index;
      absent.need = *need;
      absent.page = part.page;
      absent.process = *process;
      absent.since_ns = platform::now_ns();
      absent.party = std::move(part.party);
      if (absent.party) absent.party->completed_only = stream.agreement().own && info.completed_only;
      absent.has_fence_channel = info.has_fence_channel;
      absent.foreign = domain_of((*process)->identity()) != stream.domain();
      absent.known_to_producer = part.by_producer;
      if (part.release_timeline) {
        if (stream.device() == nullptr)
          return Error{ErrorCode::kInvalidArgument, "a release timeline without a device"};
        auto timeline = import_handed_back_timeline(std::move(part.release_timeline), *stream.device());
        if (!timeline) return std::move(timeline).error();
        absent.release_timeline = std::move(*timeline);
      }
      if (auto ok = stream.expect(std::move(absent)); !ok) return ok;
      if (has_left(part.page->page().writer))
        stream.give_up(LeaseId{info.lease}, "it was detached while there was no broker");
      (*process)->when_gone([this, id = LeaseId{info.lease}, stream_id = stream.id()] {
        if (Stream* found = find(stream_id)) {
          found->give_up(id, "its consumer died");
          drop_if_unused(stream_id);
        }
      });
      return {};
    }();
    // Not known then: when its consumer comes, the producer is told of it anew.
    if (!expected)
      spdlog::warn("stream {}: lease {} handed back is not taken: {}", stream.log_name(), info.lease,
                   expected.error().message);
  }
  if (stream.absent().empty()) return;
  if (auto awaited = await_absent(); !awaited)
    spdlog::error("stream {}: its leases are kept until their processes end: {}", stream.log_name(), awaited.error().message);
}

}  // namespace ferry::daemon
