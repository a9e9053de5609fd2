// Stream: what clients hand back after a broker has gone (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <iterator>

#include "daemon/stream.h"
#include "daemon/way_in_use.h"
#include "platform/file_identity.h"
#include "proto/names.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::GenerationId;
using proto::LeaseId;
using proto::Result;
using proto::StreamState;

namespace {

bool is_same_file(const platform::UniqueFd& one, const platform::UniqueFd& other) {
  const auto a = platform::identify_file(one), b = platform::identify_file(other);
  return a && b && a->same_file(*b);
}

}  // namespace

bool Stream::knew(LeaseId id) const {
  return given_up_.contains(id) ||
         std::any_of(absent_.begin(), absent_.end(), [id](const AbsentLease& lease) { return lease.id == id; });
}

Result<std::unique_ptr<Stream>> Stream::restore(Setup setup, Generations generations, const Past& past) {
  auto verdict = platform::OwnedPage<proto::VerdictPage>::create(proto::PageKind::kVerdict, "ferry-verdict");
  if (!verdict) return std::move(verdict).error();
  std::unique_ptr<Stream> stream(new Stream(std::move(setup), std::move(*verdict)));
  stream->generations_ = std::move(generations);
  stream->take_past(past);
  proto::VerdictPageWriter(stream->verdict_.page()).set_state(StreamState::kLive);
  return stream;
}

void Stream::take_past(const Past& past) {
  newest_ever_ = std::max({newest_ever_, past.newest_generation, newest_generation().id()});
  producers_ = std::max(producers_, past.producers);
  first_sequence_ = std::max(first_sequence_, past.next_sequence);
  proto::VerdictPageWriter writer(verdict_.page());
  writer.set_generation(newest_ever_);
  writer.set_producers(producers_);
}

void Stream::stop_paying() {
  for (const auto& generation : generations_) generation->stop_paying();
}

void Stream::rejoin(Producer next, Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
                    Generations handed_back, GenerationId oldest, const Past& past) {
  setup_.producer = std::move(next);
  expects_others_until_ns = 0;
  setup_.agreement = std::move(agreement);
  setup_.device = std::move(device);
  // Its own word on what it draws into; a consumer's stood in for it. What brokers allocated is beyond doubt.
  std::erase_if(generations_, [&](const auto& g) {
    const bool goes = g->handed_back() || raw(g->id()) < raw(oldest);
    if (goes) kept_.forget(g->id());
    return goes;
  });
  std::move(handed_back.begin(), handed_back.end(), std::back_inserter(generations_));
  std::sort(generations_.begin(), generations_.end(),
            [](const auto& one, const auto& other) { return raw(one->id()) < raw(other->id()); });
  take_past(past);
  keep();
}

Generation* Stream::find_own_generation(GenerationId id) const {
  for (const auto& generation : generations_)
    if (generation->id() == id && !generation->handed_back()) return generation.get();
  return nullptr;
}

void Stream::keep_producer() {
  kept_.keep(setup_.name, setup_.domain, setup_.producer, producers_, verdict_.fd());
}

void Stream::keep() {
  keep_producer();
  for (const auto& generation : generations_) kept_.keep(*generation);
}

Result<void> Stream::expect(AbsentLease expected) {
  if (Lease* present = find_lease(expected.id); present != nullptr && present->index == expected.index &&
                                               is_same_file(present->page->fd, expected.page->fd)) {
    present->known_to_producer = true;
    present->has_fence_channel = present->has_fence_channel && expected.has_fence_channel;
    // The one that waits for it says which timeline it waits on.
    if (expected.release_timeline && !present->foreign) present->release_timeline = std::move(expected.release_timeline);
    return {};
  }
  if (const auto known =
          std::find_if(absent_.begin(), absent_.end(), [&](const AbsentLease& a) { return a.id == expected.id; });
      known != absent_.end() && known->index == expected.index && is_same_file(known->page->fd, expected.page->fd)) {
    known->known_to_producer = true;
    return {};
  }
  const auto conflicts = [&](const auto& lease) { return lease.id == expected.id || lease.index == expected.index; };
  if (std::any_of(absent_.begin(), absent_.end(), conflicts) ||
      std::any_of(leases_.begin(), leases_.end(), [&](const auto& lease) { return conflicts(*lease); }))
    return Error{ErrorCode::kInvalidArgument, fmt::format("lease {} of stream {}: its number or its place {} is another's",
                                                          raw(expected.id), log_name(), expected.index)};
  proto::VerdictPageWriter(verdict_.page()).set_lease(expected.index, expected.id);
  kept_.keep(expected);
  absent_.push_back(std::move(expected));
  return {};
}

void Stream::answer_reclaim(std::uint64_t request) {
  wire::StreamRestoredT restored;
  restored.stream = raw(setup_.id);
  producer().session->send(request, std::move(restored), {&verdict_.fd()});
}

void Stream::make_up(GenerationId newest_known) {
  for (const auto& generation : generations_)
    if (raw(generation->id()) > raw(newest_known)) send_generation_to_producer(*generation, 0);
  end_misfits();
  std::vector<LeaseId> ids;
  for (const auto& lease : leases_) ids.push_back(lease->id);
  // What is made up for one may end another.
  for (const LeaseId id : ids)
    if (Lease* lease = find_lease(id)) make_up(*lease);
}

void Stream::make_up(Lease& lease) {
  // In their order: what is older than a generation that a consumer knows is never looked at.
  for (const auto& generation : generations_)
    if (raw(generation->id()) > raw(lease.newest_known) &&
        !(lease.foreign && (!generation->may_leave_domain() ||
                            !can_import(lease.party, generation->spec(), generation->layout())))) {
      send_generation(*generation, lease);
      lease.newest_known = generation->id();
    }
  const bool unknown = has_producer() && !lease.known_to_producer;
  const Generation& newest = newest_generation();
  if (lease.foreign && !newest.may_leave_domain() && (unknown || raw(lease.newest_known) < raw(newest.id()))) {
    const LeaseId id = lease.id;
    if (auto renewed = renew(nullptr, "for " + lease.party.who); !renewed)
      return spdlog::warn("stream {}: {} sees no more of it: {}", log_name(), lease.party.who, renewed.error().message);
    if (find_lease(id) == nullptr) return;  // the new one does not fit it
  }
  if (unknown) introduce(lease);
}

void Stream::introduce(Lease& lease) {
  if (lease.producer_end) {
    send_lease_added(lease, lease.producer_end, lease.fence_producer_end);
  } else {
    // The earlier broker went between telling the consumer and telling the producer.
    auto channels = create_channels(producer(), agreement(), lease);
    if (!channels) return spdlog::warn("stream {}, lease {}: {}", log_name(), raw(lease.id), channels.error().message);
    lease.has_fence_channel = channels->fences.producer_end.valid();
    send_lease_added(lease, channels->bell.producer_end, channels->fences.producer_end);
    send_producer_changed(lease, *channels);
  }
  lease.drop_producer_ends();
  lease.known_to_producer = true;
}

Result<Lease*> Stream::readmit(std::unique_ptr<Lease> claimed, std::uint64_t request) {
  auto refuse = [&](ErrorCode code, const char* why) {
    return Error{code, fmt::format("lease {} of stream {} {}", raw(claimed->id), log_name(), why)};
  };
  if (given_up_.contains(claimed->id)) return refuse(ErrorCode::kEvicted, "was not claimed in time");
  if (find_lease(claimed->id) != nullptr) return refuse(ErrorCode::kNameTaken, "is claimed already");
  const auto absent =
      std::find_if(absent_.begin(), absent_.end(), [&](const AbsentLease& a) { return a.id == claimed->id; });
  if (absent != absent_.end()) {
    if (!is_same_file(claimed->page->fd, absent->page->fd) || absent->index != claimed->index)
      return refuse(ErrorCode::kPermissionDenied, "is another's, says its producer");
    // The one that waits for it says which timeline it waits on.
    if (!claimed->foreign) claimed->release_timeline = absent->release_timeline;
    claimed->known_to_producer = absent->known_to_producer;
    claimed->has_fence_channel = claimed->has_fence_channel && absent->has_fence_channel;
    absent_.erase(absent);
  } else if (claimed->index >= proto::kMaxLeases ||
             std::any_of(absent_.begin(), absent_.end(), [&](const auto& a) { return a.index == claimed->index; }) ||
             std::any_of(leases_.begin(), leases_.end(), [&](const auto& l) { return l->index == claimed->index; })) {
    return refuse(ErrorCode::kInvalidArgument, "has no place, or another's");
  }
  const auto after = std::find_if(leases_.begin(), leases_.end(),
                                  [&](const auto& present) { return raw(present->id) > raw(claimed->id); });
  const LeaseId id = claimed->id;
  Lease& lease = **leases_.insert(after, std::move(claimed));
  proto::VerdictPageWriter(verdict_.page()).set_lease(lease.index, lease.id);
  ring_verdict();
  kept_.keep(lease);

  wire::LeaseRestoredT restored;
  restored.stream = raw(setup_.id);
  restored.lease = raw(lease.id);
  restored.state = static_cast<wire::StreamState>(state_);
  lease.session->send(request, std::move(restored), {&verdict_.fd()});
  make_up(lease);
  return find_lease(id);
}

void Stream::give_up(LeaseId id, const std::string& why) {
  const auto found = std::find_if(absent_.begin(), absent_.end(), [id](const auto& lease) { return lease.id == id; });
  if (found == absent_.end()) return;
  const AbsentLease lease = std::move(*found);
  absent_.erase(found);
  given_up_.insert(id);
  kept_.forget(id);
  proto::VerdictPageWriter(verdict_.page()).clear_lease(lease.index);
  ring_verdict();
  if (lease.release_timeline)
    lease.process->remember({lease.release_timeline, [page = lease.page] { return release_points(page->page()); },
                             fmt::format("release timeline of stream {}, lease {}", log_name(), raw(id))});
  if (has_producer()) {
    wire::LeaseEndedT ended;
    ended.stream = raw(setup_.id);
    ended.lease = raw(id);
    ended.lease_index = lease.index;
    ended.reason = lease.process->gone() ? wire::EndReason::Died : wire::EndReason::Evicted;
    ended.message = why;
    producer().session->send(0, std::move(ended));
  }
  spdlog::info("stream {}: lease {} of process {} was not claimed: {}", log_name(), raw(id), lease.process->pid(), why);
}

}  // namespace ferry::daemon
