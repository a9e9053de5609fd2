// StreamService: what producers ask.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/audit.h"
#include "daemon/eviction.h"
#include "daemon/own_slots.h"
#include "daemon/stream_service.h"
#include "daemon/wire_convert.h"
#include "platform/clock.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<Producer> StreamService::check_producer(Session& session, const wire::CreateStreamT& asked,
                                               StreamPagePtr page) const {
  const std::string name = proto::printable(asked.name);
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for stream '{}'", what, name)};
  };
  if (asked.frames_in_flight == 0 || asked.frames_in_flight > proto::kMaxFramesInFlight)
    return invalid(
        fmt::format("frames_in_flight {} is outside 1 to {}", asked.frames_in_flight, proto::kMaxFramesInFlight));
  if (asked.queue_policy > wire::QueuePolicy::MAX)
    return invalid(fmt::format("queue policy {} is not known", static_cast<int>(asked.queue_policy)));
  if (asked.min_slots > limits_.max_slots)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("slot count {} exceeds the limit max_slots = {} for stream '{}'", asked.min_slots,
                             limits_.max_slots, name)};
  auto party = party_of(asked.device.get(), in_role("producer", session));
  if (!party) return std::move(party).error();
  Producer producer;
  producer.party = std::move(*party);
  producer.demand = {asked.transport, asked.sync_mode};
  if (asked.own) {
    if (asked.transport != wire::Transport::None && asked.transport != wire::Transport::DmaBuf)
      return invalid(fmt::format("slots of its own in transport {}",
                                 platform::transport_name(static_cast<platform::Transport>(asked.transport))));
    producer.demand.transport = wire::Transport::DmaBuf;
    producer.demand.own_modifier = asked.own->modifier;
  }
  producer.session = &session;
  producer.process = session.process();
  producer.application = session.application();
  producer.page = std::move(page);
  producer.allowance = session.allowance();
  producer.queue_policy = asked.queue_policy == wire::QueuePolicy::None
                              ? proto::QueuePolicy::kDrop
                              : static_cast<proto::QueuePolicy>(asked.queue_policy);
  producer.frames_in_flight = asked.frames_in_flight;
  producer.min_slots = asked.min_slots;
  return producer;
}

Result<void> StreamService::create_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                          std::vector<UniqueFd> fds) {
  if (auto ok = proto::check_stream_name(asked.name); !ok) return ok;
  const std::string object = fmt::format("stream '{}'", proto::printable(asked.name));
  auto descriptors = Reservation::take(session.allowance().descriptors, kDescriptorsOfStream, object);
  if (!descriptors) return std::move(descriptors).error();
  auto page =
      share_page<proto::StreamPage>(std::move(fds.front()), proto::PageKind::kStream, std::move(*descriptors));
  if (!page) return std::move(page).error();
  if (auto may = permit(session, Action::kProduce, asked.name); !may) return may;
  const auto image = check_image(asked.image.get(), limits_, object);
  if (!image) return image.error();
  auto producer = check_producer(session, asked, std::move(*page));
  if (!producer) return std::move(producer).error();
  if (session.holdings.streams.size() >= limits_.max_streams_per_session)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("{} produces {} streams; the limit max_streams_per_session is {}", session.name(),
                             session.holdings.streams.size(), limits_.max_streams_per_session)};
  std::optional<OwnSlots> own;
  if (asked.own) {
    fds.erase(fds.begin());
    auto taken = take_own_slots(*asked.own, std::move(fds), limits_, object);
    if (!taken) return std::move(taken).error();
    own = std::move(*taken);
  }
  const OwnSlots* const brought = own ? &*own : nullptr;
  Stream* present = find(asked.name);
  if (present == nullptr)
    return tell_of_slots(brought, session, request, add_stream(session, request, asked, std::move(*producer), *image, brought));
  if (domain_of(session.process()->identity()) != present->domain()) {
    const Decision refused{false, fmt::format("its consumers were promised {}", to_string(present->domain()))};
    audit(session.process()->identity(), Action::kProduce, asked.name, refused, session.refusals);
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("{} belongs to {} until its last consumer has left", object, to_string(present->domain()))};
  }
  if (present->has_producer())
    return Error{ErrorCode::kNameTaken,
                 fmt::format("{} is produced by {}", object, present->producer().session->name())};
  if (!present->producer().process->gone() && platform::now_ns() < present->expects_others_until_ns)
    return Error{ErrorCode::kNameTaken, fmt::format("{} is produced by process {}, which this broker expects back",
                                                    object, present->producer().process->pid())};
  return tell_of_slots(brought, session, request,
                       take_over(*present, session, request, asked, std::move(*producer), *image, brought));
}

Result<void> StreamService::add_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                       Producer producer, const platform::TextureDesc& image, const OwnSlots* own) {
  if (streams_.size() >= limits_.max_streams)
    return Error{ErrorCode::kLimitExceeded, fmt::format("there are {} streams; the limit max_streams is {}",
                                                        streams_.size(), limits_.max_streams)};
  Stream::Setup setup;
  setup.domain = domain_of(session.process()->identity());
  setup.id = proto::StreamId{++last_stream_};
  setup.name = asked.name;
  setup.store = store_;
  setup.max_slots = static_cast<std::uint32_t>(limits_.max_slots);
  setup.producer = std::move(producer);
  const Party& party = setup.producer.party;
  std::unique_ptr<Stream> made;
  auto done = allocate_best(
      party.who,
      [&](const std::vector<Excluded>& excluded) {
        Demand demand = setup.producer.demand;
        demand.excluded = excluded;
        return agree(party, {}, demand, image);
      },
      [&](const Agreement& agreement, std::shared_ptr<platform::VulkanDevice> device) -> Result<void> {
        setup.agreement = agreement;
        setup.device = std::move(device);
        auto created = Stream::create(setup, image, own);
        if (!created) return std::move(created).error();
        made = std::move(*created);
        return {};
      });
  if (!done) return done;
  Stream& stream = *made;
  streams_.emplace(stream.id(), std::move(made));
  names_[stream.name()] = stream.id();
  session.holdings.streams.insert(stream.id());
  spdlog::info("stream {} created by {}; {}; {}", stream.log_name(), session.name(),
               stream.agreement().transport_reason, stream.agreement().sync_reason);
  stream.answer_create(request);
  serve_waiting(stream);
  return {};
}

Result<void> StreamService::take_over(Stream& stream, Session& session, std::uint64_t request,
                                      const wire::CreateStreamT& asked, Producer producer,
                                      const platform::TextureDesc& image, const OwnSlots* own) {
  const std::string who = producer.party.who;
  const wire::SyncMode in_use = stream.agreement().sync;
  if (asked.sync_mode != wire::SyncMode::Automatic && asked.sync_mode != in_use)
    return incompatible(fmt::format("{} asks for sync mode {}, but the {} consumers of stream {} use {}", who,
                                    sync_mode_name(asked.sync_mode), stream.leases().size(), stream.log_name(),
                                    sync_mode_name(in_use)),
                        {who, "sync mode", {sync_mode_name(asked.sync_mode)}, {sync_mode_name(in_use)}});
  // The sync mode stays: leases have their release timeline, or none, for life. So does the transport, if it can.
  const auto choose = [&](const std::vector<Excluded>& excluded) {
    Demand as_it_is{static_cast<wire::Transport>(stream.agreement().transport), in_use};
    as_it_is.excluded = excluded;
    as_it_is.own_modifier = producer.demand.own_modifier;
    auto agreement = agree(producer.party, stream.consumers(), as_it_is, image);
    if (!agreement || (producer.demand.transport != wire::Transport::None &&
                       producer.demand.transport != as_it_is.transport)) {
      as_it_is.transport = producer.demand.transport;
      agreement = agree(producer.party, stream.consumers(), as_it_is, image);
    }
    // Where slots are brought, or were, the mode gives way as it does for a consumer that joins.
    if (!agreement && (own != nullptr || stream.agreement().own)) {
      Demand demand = producer.demand;
      demand.in_use = in_use;
      demand.excluded = excluded;
      agreement = agree(producer.party, stream.consumers(), demand, image);
    }
    // It did not choose the mode: the reason is the one that was there.
    if (agreement && asked.sync_mode == wire::SyncMode::Automatic && agreement->sync == in_use)
      agreement->sync_reason = stream.agreement().sync_reason;
    return agreement;
  };
  auto done = allocate_best(who, choose, [&](const Agreement& agreement, std::shared_ptr<platform::VulkanDevice> device) {
    return stream.take_over(producer, agreement, std::move(device), image, request, own);
  });
  if (!done) return done;
  session.holdings.streams.insert(stream.id());
  spdlog::info("stream {} taken over by {}", stream.log_name(), session.name());
  serve_waiting(stream);
  return {};
}

Result<void> StreamService::reconfigure(Session& session, std::uint64_t request, const wire::ReconfigureT& asked,
                                        std::vector<UniqueFd> fds) {
  auto stream = produced_by(session, asked.stream);
  if (!stream) return std::move(stream).error();
  const std::string object = fmt::format("stream {}", (*stream)->log_name());
  const auto image = check_image(asked.image.get(), limits_, object);
  if (!image) return image.error();
  if ((*stream)->agreement().own != (asked.own != nullptr))
    return Error{ErrorCode::kInvalidState,
                 fmt::format("the slots of {} are its {}", object,
                             asked.own ? "broker's: it can bring none of its own now" : "own: it has to bring the new ones")};
  std::optional<OwnSlots> own;
  if (asked.own) {
    auto taken = take_own_slots(*asked.own, std::move(fds), limits_, object);
    if (!taken) return std::move(taken).error();
    own = std::move(*taken);
  }
  const OwnSlots* const brought = own ? &*own : nullptr;
  const auto own_modifier = own ? std::optional(own->layout.modifier) : std::nullopt;
  auto done = allocate_best(
      (*stream)->producer().party.who,
      [&](const std::vector<Excluded>& excluded) { return agree_on(**stream, *image, excluded, own_modifier); },
      [&](const Agreement& agreement, std::shared_ptr<platform::VulkanDevice> device) {
        return (*stream)->reconfigure(*image, agreement, std::move(device), brought);
      });
  if (!done) return tell_of_slots(brought, session, request, std::move(done));
  (*stream)->announce_generation(request);
  return {};
}

Result<void> StreamService::retire_generations(Session& session, const wire::GenerationsRetiredT& said) {
  auto stream = produced_by(session, said.stream);
  if (!stream) return std::move(stream).error();
  (*stream)->retire_generations(proto::GenerationId{said.newest});
  return {};
}

Result<void> StreamService::judge_starvation(Session& session, const wire::ReportStarvedT& said) {
  auto found = produced_by(session, said.stream);
  if (!found) return std::move(found).error();
  Stream& stream = **found;
  if (said.leases.size() > proto::kMaxLeases)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("{} suspects for stream {}; the limit is {}", said.leases.size(), stream.log_name(),
                             proto::kMaxLeases)};
  const std::int64_t now_ns = platform::now_ns();
  std::vector<Conduct> suspects;
  // In sync mode sync-fd a slot stays held until the GPU is done, as in host.
  for (const std::uint64_t id : said.leases)
    if (const Lease* lease = stream.find_lease(proto::LeaseId{id}))
      suspects.push_back(observe(*lease, stream.frames(), stream.newest_generation().id(),
                                 stream.sync_of(*lease) != wire::SyncMode::Timeline, now_ns));
  constexpr std::int64_t kNsPerMs = 1'000'000;
  const auto deadline_ns = static_cast<std::int64_t>(limits_.eviction_deadline_ms) * kNsPerMs;
  const bool pool_short = stream.slots_required() > stream.newest_generation().spec().slot_count;
  for (const Eviction& eviction : choose_evictions(suspects, deadline_ns, said.starved_ms * kNsPerMs, pool_short))
    end_lease(stream, eviction.lease, wire::EndReason::Evicted, eviction.reason);
  return {};
}

Result<void> StreamService::close_stream(Session& session, std::uint64_t request, const wire::CloseStreamT& asked) {
  auto found = produced_by(session, asked.stream);
  if (!found) return std::move(found).error();
  Stream& stream = **found;
  session.holdings.streams.erase(stream.id());
  names_.erase(stream.name());
  stream.close();
  if (request != 0) session.send(request, wire::DoneT{});
  drop_if_unused(stream.id());
  return {};
}

}  // namespace ferry::daemon
