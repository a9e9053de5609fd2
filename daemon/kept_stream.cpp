#include "daemon/kept_stream.h"

#include <utility>

#include "daemon/stream.h"
#include "daemon/wire_convert.h"

namespace ferry::daemon {
namespace {

using Kind = KeptName::Kind;
using platform::UniqueFd;

std::unique_ptr<wire::DeviceT> device_of(const Party& party) {
  auto out = std::make_unique<wire::DeviceT>();
  out->device_uuid = std::make_unique<wire::Uuid>(to_wire(party.device.device_uuid));
  out->driver_uuid = std::make_unique<wire::Uuid>(to_wire(party.device.driver_uuid));
  out->name = party.device_name;
  out->transports = party.transports;
  out->sync_modes = party.sync_modes;
  out->is_software = party.is_software;
  out->sync_reason = party.sync_reason;
  out->sync_fd_reason = party.sync_fd_reason;
  for (const Party::Lack& lack : party.lacks) {
    out->lacks.push_back(std::make_unique<wire::TransportLackT>());
    out->lacks.back()->transport = lack.transport;
    out->lacks.back()->reason = lack.reason;
  }
  for (const platform::FormatModifier& known : party.modifiers)
    out->modifiers.emplace_back(known.modifier, known.usage, static_cast<std::uint8_t>(known.format),
                                static_cast<std::uint8_t>(known.plane_count), known.exports);
  return out;
}

}  // namespace

void KeptStream::put(Kind kind, std::uint64_t part, const std::vector<std::byte>& bytes, const FdList& fds) {
  const std::string name = to_string(KeptName{kind, id_, part});
  store_->put(name, bytes, fds);
  if (store_->has(name)) names_.insert(name);
}

void KeptStream::remove(Kind kind, std::uint64_t part) {
  if (store_ == nullptr) return;
  const std::string name = to_string(KeptName{kind, id_, part});
  if (names_.erase(name) != 0) store_->remove(name);
}

void KeptStream::forget_all() {
  for (const std::string& name : std::exchange(names_, {})) store_->remove(name);
}

void KeptStream::keep(const std::string& name, const TrustDomain& domain, const Producer& producer,
                      std::uint32_t producers, const UniqueFd& verdict_page) {
  if (store_ == nullptr) return;
  kept::StreamT about;
  about.claim = std::make_unique<wire::ReclaimStreamT>();
  about.claim->stream = raw(id_);
  about.claim->name = name;
  about.claim->device = device_of(producer.party);
  about.claim->transport = producer.demand.transport;
  about.claim->sync_mode = producer.demand.sync;
  about.claim->queue_policy = static_cast<wire::QueuePolicy>(producer.queue_policy);
  about.claim->frames_in_flight = producer.frames_in_flight;
  about.claim->min_slots = producer.min_slots;
  about.claim->producers = producers;
  about.uid = domain.uid;
  about.sandbox = domain.sandbox;
  about.application = producer.application;
  // The new one first: there is a whole one at any time.
  put(Kind::kStream, producers, encode_kept(std::move(about)), {&producer.page->fd, &verdict_page});
  if (const auto before = std::exchange(producers_, producers); before != producers) remove(Kind::kStream, before);
}

void KeptStream::keep(const Generation& generation) {
  if (store_ == nullptr) return;
  kept::GenerationT about;
  about.part = std::make_unique<wire::HandBackGenerationT>();
  about.part->stream = raw(id_);
  about.part->generation = generation.describe();
  about.handed_back = generation.handed_back();
  FdList fds;
  generation.append_fds(fds);
  put(Kind::kGeneration, raw(generation.id()), encode_kept(std::move(about)), fds);
}

void KeptStream::forget(proto::GenerationId id) { remove(Kind::kGeneration, raw(id)); }

void KeptStream::keep(const Lease& lease) {
  keep_lease(lease.id, lease.index, lease.need, lease.page, lease.release_timeline.get(), lease.has_fence_channel,
             &lease.party);
}

void KeptStream::keep(const AbsentLease& lease) {
  keep_lease(lease.id, lease.index, lease.need, lease.page, lease.release_timeline.get(), lease.has_fence_channel,
             lease.party ? &*lease.party : nullptr);
}

void KeptStream::forget(proto::LeaseId id) { remove(Kind::kLease, raw(id)); }

void KeptStream::keep_lease(proto::LeaseId id, std::uint32_t index, const LeaseNeed& need, const LeasePagePtr& page,
                            const platform::ExportedTimeline* release_timeline, bool has_fence_channel,
                            const Party* party) {
  if (store_ == nullptr) return;
  kept::LeaseT about;
  about.part = std::make_unique<wire::HandBackLeaseT>();
  about.part->stream = raw(id_);
  about.part->lease = raw(id);
  about.part->lease_index = index;
  about.part->mode = static_cast<wire::ConsumerMode>(need.mode);
  about.part->max_holds = need.max_holds;
  about.part->queue_depth = need.queue_depth;
  about.part->has_release_timeline = release_timeline != nullptr;
  about.part->completed_only = need.completed_only;
  about.part->has_fence_channel = has_fence_channel;
  if (party != nullptr) about.device = device_of(*party);
  FdList fds{&page->fd};
  if (release_timeline != nullptr) fds.push_back(&release_timeline->fd());
  put(Kind::kLease, raw(id), encode_kept(std::move(about)), fds);
}

}  // namespace ferry::daemon
