#include "daemon/stream.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <bitset>
#include <map>

#include "daemon/way_in_use.h"
#include "daemon/wire_convert.h"
#include "platform/futex.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::GenerationId;
using proto::Result;
using proto::StreamState;

namespace {

/// A producer that died with a number beyond this in its page has not counted frames.
constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 62;

std::string shape_of(const platform::TextureDesc& image) {
  return fmt::format("{}x{} {}", image.width_px, image.height_px, proto::format_info(image.format).name);
}

std::string change_of(const platform::TextureDesc& from, const platform::TextureDesc& to, bool own) {
  if (from.width_px != to.width_px || from.height_px != to.height_px) return "resize";
  if (from.format != to.format) return "format";
  if (from.colour != to.colour) return "colour";
  return own ? "other slots" : "usage";
}

Generation::Audience audience_of(const Lease& lease) {
  return lease.foreign || lease.need.completed_only ? Generation::Audience::kForeign : Generation::Audience::kDomain;
}

}  // namespace

Result<std::unique_ptr<Stream>> Stream::create(Setup setup, const platform::TextureDesc& image, const OwnSlots* own) {
  auto verdict = platform::OwnedPage<proto::VerdictPage>::create(proto::PageKind::kVerdict, "ferry-verdict");
  if (!verdict) return std::move(verdict).error();
  std::unique_ptr<Stream> stream(new Stream(std::move(setup), std::move(*verdict)));
  const Producer& producer = stream->producer();
  const std::uint32_t slots = initial_slots(producer.frames_in_flight, producer.min_slots, stream->setup_.max_slots);
  auto generation = stream->make_generation(producer, stream->agreement(), stream->device(), image, slots, "created", own);
  if (!generation) return std::move(generation).error();
  proto::VerdictPageWriter writer(stream->verdict_.page());
  writer.set_state(StreamState::kLive);
  writer.set_producers(1);
  stream->add_generation(std::move(*generation));
  stream->keep_producer();
  return stream;
}

std::string Stream::log_name() const { return fmt::format("'{}'", proto::printable(name())); }

std::uint64_t Stream::memory_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& generation : generations_) bytes += generation->memory_bytes();
  return bytes;
}

wire::SyncMode Stream::sync_of(const Lease& lease) const {
  return lease.foreign || lease.need.completed_only ? wire::SyncMode::Host : agreement().sync;
}

std::string Stream::sync_reason_of(const Lease& lease) const {
  if (!lease.foreign && lease.need.completed_only)
    return fmt::format("{}; host for this lease: {} lists no sync_files{}", agreement().sync_reason, lease.party.who,
                       lease.party.sync_fd_reason.empty() ? "" : ": " + lease.party.sync_fd_reason);
  if (!lease.foreign) return agreement().sync_reason;
  return fmt::format("{}; host for this lease: it is of {}, the producer of {}", agreement().sync_reason,
                     to_string(domain_of(lease.session->process()->identity())), to_string(domain()));
}

bool Stream::leases_have_channels() const {
  return std::all_of(leases_.begin(), leases_.end(), [](const auto& l) {
           return l->foreign || l->need.completed_only || l->has_fence_channel;
         }) &&
         std::all_of(absent_.begin(), absent_.end(), [](const AbsentLease& l) {
           return l.foreign || l.need.completed_only || l.has_fence_channel;
         });
}

std::vector<const Party*> Stream::consumers() const {
  std::vector<const Party*> parties;
  for (const auto& lease : leases_)
    if (!lease->foreign) parties.push_back(&lease->party);
  for (const AbsentLease& lease : absent_)
    if (lease.party && !lease.foreign) parties.push_back(&*lease.party);
  return parties;
}

Lease* Stream::find_lease(proto::LeaseId id) const {
  const auto found = std::find_if(leases_.begin(), leases_.end(), [id](const auto& lease) { return lease->id == id; });
  return found == leases_.end() ? nullptr : found->get();
}

// ---- generations --------------------------------------------------------------------------------

Result<std::unique_ptr<Generation>> Stream::make_generation(const platform::TextureDesc& image,
                                                            std::uint32_t slot_count, std::string reason) {
  return make_generation(producer(), agreement(), setup_.device.get(), image, slot_count, std::move(reason));
}

Result<std::unique_ptr<Generation>> Stream::make_generation(const Producer& producer, const Agreement& agreement,
                                                            platform::VulkanDevice* device,
                                                            const platform::TextureDesc& image,
                                                            std::uint32_t slot_count, std::string reason,
                                                            const OwnSlots* own) {
  GenerationSpec spec;
  spec.id = GenerationId{raw(newest_ever_) + 1};
  spec.image = image;
  spec.slot_count = slot_count;
  spec.agreement = agreement;
  spec.reason = std::move(reason);
  if (own != nullptr) {
    spec.slot_count = static_cast<std::uint32_t>(own->fds.size());
    return Generation::adopt(std::move(spec), *own, device, producer.allowance, proto::printable(name()));
  }
  if (agreement.own)
    return Error{ErrorCode::kInvalidState,
                 fmt::format("the slots of stream {} are its producer's own: the broker has none for it", log_name())};
  return Generation::create(std::move(spec), device, producer.allowance, proto::printable(name()));
}

void Stream::add_generation(std::unique_ptr<Generation> generation) {
  spdlog::info("stream {}: generation {}, {} slots of {}, {} KiB: {}", log_name(), raw(generation->id()),
               generation->spec().slot_count, shape_of(generation->spec().image), generation->memory_bytes() / 1024,
               generation->spec().reason);
  generations_.push_back(std::move(generation));
  newest_ever_ = newest_generation().id();
  growth_failed_ = false;
  kept_.keep(newest_generation());
  proto::VerdictPageWriter(verdict_.page()).set_generation(newest_generation().id());
  ring_verdict();
}

void Stream::drop_generation(std::size_t position) {
  const Generation& generation = *generations_[position];
  kept_.forget(generation.id());
  // Its last frames may still be on their way on the producer's GPU, and consumers may wait for them.
  if (generation.acquire_timeline())
    setup_.producer.process->remember(
        {generation.acquire_timeline(), [points = acquire_points(frames().page(), generation.id())] { return points; },
         fmt::format("acquire timeline of stream {}, generation {}", log_name(), raw(generation.id()))});
  generations_.erase(generations_.begin() + static_cast<std::ptrdiff_t>(position));
}

void Stream::retire_generations(GenerationId newest) {
  while (generations_.size() > 1 && raw(generations_.front()->id()) < raw(newest)) drop_generation(0);
}

void Stream::drop_surplus_generations() {
  // A producer that is resized faster than it draws: nobody can be shown the ones between.
  const Generation* on_show = generation_on_show();
  for (std::size_t i = 0;
       generations_.size() > proto::kGenerationsOnPage && i + proto::kGenerationsOnPage < generations_.size();) {
    if (generations_[i].get() == on_show)
      ++i;
    else
      drop_generation(i);
  }
}

const Generation* Stream::generation_on_show() const {
  const auto record = frames().read(frames().published());
  if (!record) return nullptr;
  return find_generation(GenerationId{record->generation});
}

const Generation* Stream::find_generation(GenerationId id) const {
  for (const auto& generation : generations_)
    if (generation->id() == id) return generation.get();
  return nullptr;
}

std::uint32_t Stream::slots_required(std::uint32_t frames_in_flight, bool strangers) const {
  std::vector<LeaseNeed> needs;
  for (const auto& lease : leases_)
    if (strangers || !lease->foreign) needs.push_back(lease->need);
  for (const auto& lease : absent_)
    if (strangers || !lease.foreign) needs.push_back(lease.need);
  // Frames whose fence did not come are seen when they are complete.
  if (agreement().sync == wire::SyncMode::SyncFd)
    for (LeaseNeed& need : needs) need.completed_only = true;
  return daemon::slots_required(frames_in_flight, needs);
}

Result<void> Stream::reconfigure(const platform::TextureDesc& image, Agreement agreement,
                                 std::shared_ptr<platform::VulkanDevice> device, const OwnSlots* own) {
  auto generation = make_generation(producer(), agreement, device.get(), image, newest_generation().spec().slot_count,
                                    change_of(newest_generation().spec().image, image, own != nullptr), own);
  if (!generation) return std::move(generation).error();
  setup_.agreement = std::move(agreement);
  setup_.device = std::move(device);
  add_generation(std::move(*generation));
  drop_surplus_generations();
  return {};
}

Result<void> Stream::change_way(Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
                                const LeaseNeed* joining, std::string reason) {
  const GenerationSpec& current = newest_generation().spec();
  const std::uint32_t joined = joining == nullptr ? 0 : joining->max_holds + joining->queue_depth;
  const std::uint32_t wanted = slots_required(producer().frames_in_flight, false) + joined;
  const std::uint32_t slots = std::max(current.slot_count, std::min(wanted, setup_.max_slots));
  auto generation =
      make_generation(producer(), agreement, device.get(), current.image, slots, std::move(reason));
  if (!generation) return std::move(generation).error();
  if (!agreement.same_way(setup_.agreement))
    spdlog::info("stream {} now crosses otherwise; {}; {}", log_name(), agreement.transport_reason, agreement.sync_reason);
  setup_.agreement = std::move(agreement);
  setup_.device = std::move(device);
  add_generation(std::move(*generation));
  drop_surplus_generations();
  announce_generation(0);
  return {};
}

Result<void> Stream::renew(const LeaseNeed* joining, std::string reason) {
  return change_way(Agreement(agreement()), setup_.device, joining, std::move(reason));
}

Result<void> Stream::grow_pool() {
  if (!has_producer()) return {};
  const GenerationSpec& current = newest_generation().spec();
  const std::uint32_t required = slots_required(producer().frames_in_flight, false);
  if (required > setup_.max_slots && required > warned_slots_) {
    spdlog::warn("stream {}: its {} consumers may hold so much that {} slots are needed; the limit max_slots is {}: who holds "
                 "on to frames may be evicted", log_name(), leases_.size(), required, setup_.max_slots);
    warned_slots_ = required;
  }
  const auto slots = grown_slots(current.slot_count, required, setup_.max_slots);
  if (!slots) return {};
  if (agreement().own) {
    if (!growth_failed_)
      spdlog::warn("stream {} keeps its {} slots, though its {} consumers may hold so much that {} are needed: they are its "
                   "producer's own", log_name(), current.slot_count, leases_.size(), required);
    growth_failed_ = true;
    return {};
  }
  auto generation = make_generation(current.image, *slots,
                                    fmt::format("pool of {} for {} consumers", *slots, leases_.size()));
  if (!generation) {
    if (generation.error().code == ErrorCode::kDeviceLost) return std::move(generation).error();
    if (!growth_failed_)
      spdlog::warn("stream {} keeps its {} slots: {}", log_name(), current.slot_count, generation.error().message);
    growth_failed_ = true;
    return {};
  }
  add_generation(std::move(*generation));
  drop_surplus_generations();
  announce_generation(0);
  return {};
}

// ---- leases -------------------------------------------------------------------------------------

std::uint32_t Stream::free_index() const {
  std::bitset<proto::kMaxLeases> taken;
  for (const auto& lease : leases_) taken.set(lease->index);
  for (const auto& lease : absent_) taken.set(lease.index);
  std::uint32_t index = 0;
  while (taken.test(index)) ++index;
  return index;
}

Stream::Channels::~Channels() {
  if (!bin) return;
  for (platform::UniqueFd* end : {&bell.producer_end, &bell.consumer_end, &fences.producer_end, &fences.consumer_end})
    bin->take(std::move(*end));
}

Result<Stream::Channels> Stream::create_channels(const Producer& producer, const Agreement& agreement,
                                                 const Lease& lease) const {
  Channels channels;
  channels.bin = lease.bin;
  auto bell = platform::create_channel();
  if (!bell) return std::move(bell).error();
  channels.bell = std::move(*bell);
  // Also where timelines cross as yet: somebody may join who has none. Nobody comes back from sync mode host.
  if (lease.foreign || !agreement.publishes_early() || !can_exchange_fences(producer.party, lease.party)) return channels;
  auto fences = platform::create_fence_channel();
  if (!fences) return std::move(fences).error();
  channels.fences = std::move(*fences);
  return channels;
}

Result<Lease*> Stream::admit(std::unique_ptr<Lease> lease, std::uint64_t request, std::uint64_t max_leases) {
  if (leases_.size() + absent_.size() >= max_leases)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("stream {} has {} leases; the limit max_leases_per_stream is {}", log_name(),
                             leases_.size() + absent_.size(), max_leases)};
  auto channels = create_channels(producer(), agreement(), *lease);
  if (!channels) return std::move(channels).error();
  lease->has_fence_channel = channels->fences.producer_end.valid();
  if (agreement().uses_timelines() && !lease->foreign) {
    auto timeline = setup_.device->timeline_exporter()->create();
    if (!timeline) return std::move(timeline).error();
    lease->release_timeline = std::move(*timeline);
  }
  lease->index = free_index();
  leases_.push_back(std::move(lease));
  Lease& admitted = *leases_.back();
  kept_.keep(admitted);

  // Alive before the producer hears of it: a lease that it knows and that is not alive does not count.
  proto::VerdictPageWriter(verdict_.page()).set_lease(admitted.index, admitted.id);
  ring_verdict();
  // The last frame may be one of an older generation, while the producer has not drawn into the newest. In their order:
  // what is older than a generation that a consumer knows is never looked at (FrameTaker).
  // One that crosses otherwise than what was agreed with this consumer is nothing it can import, and what a client
  // handed back is nothing that another trust domain has to.
  const Generation* on_show = generation_on_show();
  const auto is_nothing_for_it = [&](const Generation& generation) {
    return admitted.foreign && (!generation.may_leave_domain() ||
                                !can_import(admitted.party, generation.spec(), generation.layout()));
  };
  const bool sees_it = on_show != nullptr && on_show->spec().agreement.same_way(agreement()) &&
                       on_show->lies_as(agreement()) && !is_nothing_for_it(*on_show);
  const Generation& first = sees_it ? *on_show : newest_generation();
  send_attached(admitted, first, *channels, request);
  for (const auto& generation : generations_)
    if (raw(generation->id()) > raw(first.id()) && !is_nothing_for_it(*generation)) send_generation(*generation, admitted);
  admitted.newest_known = newest_generation().id();
  admitted.known_to_producer = has_producer();
  if (has_producer()) {
    send_lease_added(admitted, channels->bell.producer_end, channels->fences.producer_end);
  } else {
    admitted.producer_end = std::move(channels->bell.producer_end);
    admitted.fence_producer_end = std::move(channels->fences.producer_end);
  }
  return &admitted;
}

void Stream::retire(proto::LeaseId id, wire::EndReason reason, const std::string& message,
                    const proto::Conflict* conflict) {
  const auto found = std::find_if(leases_.begin(), leases_.end(), [id](const auto& lease) { return lease->id == id; });
  if (found == leases_.end()) return;
  const std::unique_ptr<Lease> lease = std::move(*found);
  leases_.erase(found);
  kept_.forget(id);
  lease->session->holdings.leases.erase(id);

  proto::VerdictPageWriter(verdict_.page()).clear_lease(lease->index);
  ring_verdict();
  remember_release_points(*lease);

  wire::LeaseEndedT ended;
  ended.stream = raw(setup_.id);
  ended.lease = raw(lease->id);
  ended.lease_index = lease->index;
  ended.reason = reason;
  ended.message = message;
  if (has_producer()) producer().session->send(0, ended);
  if (reason != wire::EndReason::Detached) {
    ended.to_consumer = true;
    if (conflict != nullptr) ended.conflict = std::make_unique<wire::ConflictT>(to_wire(*conflict));
    lease->session->send(0, std::move(ended));
  }
  spdlog::log(reason == wire::EndReason::Evicted ? spdlog::level::warn : spdlog::level::info,
              "stream {}: lease {} of {} ended: {}", log_name(), raw(lease->id), lease->session->name(), message);
}

// ---- producers ----------------------------------------------------------------------------------

Result<void> Stream::take_over(Producer next, Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
                               const platform::TextureDesc& image, std::uint64_t request, const OwnSlots* own) {
  std::map<proto::LeaseId, Channels> channels;
  for (const auto& lease : leases_) {
    auto made = create_channels(next, agreement, *lease);
    if (!made) return std::move(made).error();
    channels.emplace(lease->id, std::move(*made));
  }
  const std::uint32_t slots =
      std::min(setup_.max_slots, std::max(initial_slots(next.frames_in_flight, next.min_slots, setup_.max_slots),
                                          slots_required(next.frames_in_flight, false)));
  auto generation = make_generation(next, agreement, device.get(), image, slots, "taken over", own);
  if (!generation) return std::move(generation).error();

  while (!absent_.empty()) give_up(absent_.back().id, "its stream was taken over before it came back");
  expects_others_until_ns = 0;
  const std::uint64_t published = frames().published();
  first_sequence_ = std::max(first_sequence_, published < kMaxSequence ? published + 1 : 0);
  add_generation(std::move(*generation));
  end_misfits();
  // The old producer's frames are in a page that nobody is given any more.
  retire_generations(newest_generation().id());
  setup_.producer = std::move(next);
  setup_.agreement = std::move(agreement);
  setup_.device = std::move(device);
  ++producers_;
  state_ = StreamState::kLive;
  proto::VerdictPageWriter writer(verdict_.page());
  writer.set_producers(producers_);
  writer.set_first_unfinished(0);
  writer.set_state(state_);
  ring_verdict();
  keep_producer();

  answer_create(request);
  for (const auto& lease : leases_) {
    const Channels& its = channels.at(lease->id);
    lease->drop_producer_ends();
    lease->known_to_producer = true;
    lease->newest_known = newest_generation().id();
    const bool has_fence_channel = its.fences.producer_end.valid();
    if (std::exchange(lease->has_fence_channel, has_fence_channel) != has_fence_channel) kept_.keep(*lease);
    send_lease_added(*lease, its.bell.producer_end, its.fences.producer_end);
    send_producer_changed(*lease, its);
  }
  return {};
}

void Stream::abandon() {
  remember_acquire_points();
  setup_.producer.session = nullptr;
}

void Stream::declare_orphaned(const std::string& message) {
  if (state_ == StreamState::kPoisoned) healthy_state_ = StreamState::kOrphaned;
  if (state_ != StreamState::kLive) return;
  set_state(StreamState::kOrphaned, message);
}

void Stream::close() {
  remember_acquire_points();
  setup_.producer.session = nullptr;
  set_state(StreamState::kClosed, "its producer closed it");
}

void Stream::set_state(StreamState state, const std::string& message) {
  state_ = state;
  proto::VerdictPageWriter writer(verdict_.page());
  writer.set_first_unfinished(*producer().first_unfinished);
  writer.set_state(state);
  ring_verdict();
  for (const auto& lease : leases_) {
    wire::StreamStateChangedT changed;
    changed.stream = raw(setup_.id);
    changed.state = static_cast<wire::StreamState>(state);
    changed.message = message;
    changed.lease = raw(lease->id);
    lease->session->send(0, std::move(changed));
  }
  spdlog::info("stream {} is {}: {}", log_name(), wire::EnumNameStreamState(static_cast<wire::StreamState>(state)),
               message);
}

void Stream::remember_acquire_points() {
  const Producer& promiser = producer();
  for (const auto& generation : generations_)
    if (generation->acquire_timeline())
      promiser.process->remember(
          {generation->acquire_timeline(),
           [page = promiser.page, id = generation->id()] { return acquire_points(page->page(), id); },
           fmt::format("acquire timeline of stream {}, generation {}", log_name(), raw(generation->id())),
           [page = promiser.page, id = generation->id(), first = promiser.first_unfinished](std::uint64_t reached) {
             const std::uint64_t here = first_unfinished(page->page(), id, reached);
             if (here != 0 && (*first == 0 || here < *first)) *first = here;
           }});
}

void Stream::remember_release_points(const Lease& lease) {
  if (lease.release_timeline)
    lease.session->process()->remember(
        {lease.release_timeline, [page = lease.page] { return release_points(page->page()); },
         fmt::format("release timeline of stream {}, lease {}", log_name(), raw(lease.id))});
}

void Stream::ring_verdict() {
  proto::VerdictPageWriter(verdict_.page()).ring();
  platform::futex_wake_all(verdict_.page().doorbell);
}

// ---- messages: descriptors in the order of ferry.fbs --------------------------------------------

void Stream::answer_create(std::uint64_t request) {
  wire::StreamCreatedT created;
  created.stream = raw(setup_.id);
  created.sync_mode = agreement().sync;
  created.sync_reason = agreement().sync_reason;
  created.transport_reason = agreement().transport_reason;
  created.first_sequence = first_sequence_;
  created.generation = newest_generation().describe();
  FdList fds{&verdict_.fd()};
  newest_generation().append_fds(fds);
  producer().session->send(request, std::move(created), fds);
}

void Stream::end_misfits() {
  std::vector<std::pair<proto::LeaseId, Error>> misfits;
  for (const auto& lease : leases_)
    if (lease->foreign)
      if (auto fits = can_import(lease->party, newest_generation().spec(), newest_generation().layout()); !fits)
        misfits.emplace_back(lease->id, std::move(fits).error());
  for (const auto& [id, error] : misfits)
    retire(id, wire::EndReason::Evicted, fmt::format("the stream crosses otherwise now: {}", error.message),
           error.conflict.get());
}

void Stream::announce_generation(std::uint64_t request) {
  end_misfits();
  if (has_producer()) send_generation_to_producer(newest_generation(), request);
  for (const auto& lease : leases_) {
    send_generation(newest_generation(), *lease);
    lease->newest_known = newest_generation().id();
  }
}

void Stream::send_generation_to_producer(const Generation& generation, std::uint64_t request) {
  wire::GenerationStartedT started;
  started.stream = raw(setup_.id);
  started.generation = generation.describe();
  FdList fds;
  generation.append_fds(fds);
  producer().session->send(request, std::move(started), fds);
}

void Stream::send_generation(const Generation& generation, const Lease& to) {
  wire::GenerationStartedT started;
  started.stream = raw(setup_.id);
  started.generation = generation.describe(audience_of(to));
  started.lease = raw(to.id);
  FdList fds;
  generation.append_fds(fds, audience_of(to));
  to.session->send(0, std::move(started), fds);
}

void Stream::send_attached(const Lease& lease, const Generation& generation, const Channels& channels,
                           std::uint64_t request) {
  wire::AttachedT attached;
  attached.stream = raw(setup_.id);
  attached.lease = raw(lease.id);
  attached.lease_index = lease.index;
  attached.sync_mode = sync_of(lease);
  attached.sync_reason = sync_reason_of(lease);
  attached.completed_only = lease.need.completed_only;
  attached.transport_reason = agreement().transport_reason;
  attached.has_fence_channel = channels.fences.consumer_end.valid();
  attached.has_release_timeline = lease.release_timeline != nullptr;
  attached.state = static_cast<wire::StreamState>(state_);
  attached.generation = generation.describe(audience_of(lease));
  attached.producer_pid = static_cast<std::uint32_t>(producer().process->pid());
  attached.queue_policy = static_cast<wire::QueuePolicy>(producer().queue_policy);
  FdList fds{&verdict_.fd(), &producer().page->fd, &channels.bell.consumer_end};
  if (attached.has_fence_channel) fds.push_back(&channels.fences.consumer_end);
  if (lease.release_timeline) fds.push_back(&lease.release_timeline->fd());
  generation.append_fds(fds, audience_of(lease));
  lease.session->send(request, std::move(attached), fds);
}

void Stream::send_lease_added(const Lease& lease, const UniqueFd& producer_end, const UniqueFd& fence_producer_end) {
  wire::LeaseAddedT added;
  added.stream = raw(setup_.id);
  added.lease = raw(lease.id);
  added.lease_index = lease.index;
  added.mode = static_cast<wire::ConsumerMode>(lease.need.mode);
  added.max_holds = lease.need.max_holds;
  added.queue_depth = lease.need.queue_depth;
  added.has_fence_channel = fence_producer_end.valid();
  added.has_release_timeline = lease.release_timeline != nullptr;
  added.completed_only = lease.need.completed_only;
  added.consumer_pid = static_cast<std::uint32_t>(lease.session->process()->pid());
  FdList fds{&lease.page->fd, &producer_end};
  if (added.has_fence_channel) fds.push_back(&fence_producer_end);
  if (lease.release_timeline) fds.push_back(&lease.release_timeline->fd());
  producer().session->send(0, std::move(added), fds);
}

void Stream::send_producer_changed(const Lease& lease, const Channels& channels) {
  wire::ProducerChangedT changed;
  changed.stream = raw(setup_.id);
  changed.generation = newest_generation().describe(audience_of(lease));
  changed.producer_pid = static_cast<std::uint32_t>(producer().process->pid());
  changed.lease = raw(lease.id);
  changed.queue_policy = static_cast<wire::QueuePolicy>(producer().queue_policy);
  changed.has_fence_channel = channels.fences.consumer_end.valid();
  FdList fds{&producer().page->fd, &channels.bell.consumer_end};
  if (changed.has_fence_channel) fds.push_back(&channels.fences.consumer_end);
  newest_generation().append_fds(fds, audience_of(lease));
  lease.session->send(0, std::move(changed), fds);
}

}  // namespace ferry::daemon
