// StreamService: by which way frames cross, and what happens when somebody cannot go it.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/stream_service.h"
#include "daemon/way_in_use.h"
#include "proto/names.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

/// What a stream that is there can be moved to.
Demand demand_of(const Stream& stream, std::vector<Excluded> excluded) {
  Demand demand = stream.producer().demand;
  demand.in_use = stream.agreement().sync;
  demand.leases_have_channels = stream.leases_have_channels();
  demand.excluded = std::move(excluded);
  if (stream.agreement().own) {
    demand.transport = wire::Transport::DmaBuf;
    demand.own_modifier = stream.agreement().modifiers.front();
  }
  demand.foreign = stream.agreement().foreign;
  return demand;
}

bool is_excluded(platform::Transport transport, const std::vector<Excluded>& excluded) {
  const auto is_it = [&](const Excluded& e) { return e.transport == static_cast<wire::Transport>(transport); };
  return std::any_of(excluded.begin(), excluded.end(), is_it);
}

}  // namespace

Result<Agreement> StreamService::agree(const Party& producer, const std::vector<const Party*>& consumers,
                                       const Demand& demand, const platform::TextureDesc& image) const {
  const auto* ours = gpus_.capabilities(producer.device);
  auto agreement = negotiate(ours, producer, consumers, demand, image);
  if (agreement || ours != nullptr) return agreement;
  Error error = std::move(agreement).error();
  error.message += fmt::format("; the broker has {}", gpus_.list());
  return error;
}

Result<std::shared_ptr<platform::VulkanDevice>> StreamService::device_for(const Agreement& agreement,
                                                                          const std::string& who) {
  if (agreement.transport == platform::Transport::kHostMemory) return std::shared_ptr<platform::VulkanDevice>();
  return gpus_.find(agreement.device, who);
}

Result<void> StreamService::allocate_best(const std::string& who, const Choose& choose, const Allocate& allocate) {
  std::vector<Excluded> excluded;
  std::optional<ErrorCode> first;
  for (;;) {
    auto agreement = choose(excluded);
    if (!agreement) {
      Error error = std::move(agreement).error();
      if (first) error = {*first, std::move(error.message)};
      return error;
    }
    auto done = in_spite_of_loss(agreement->device, [&]() -> Result<void> {
      auto device = device_for(*agreement, who);
      if (!device) return std::move(device).error();
      return allocate(*agreement, std::move(*device));
    });
    // What a driver cannot do in one way it may do in another; for want of memory, or of a device, it is no use to try.
    const bool other_way = !done && !agreement->own && (done.error().code == ErrorCode::kUnsupported || done.error().code == ErrorCode::kInvalidArgument);
    if (!other_way || is_excluded(agreement->transport, excluded)) return done;
    spdlog::warn("nothing can be allocated by {} for {}: {}", platform::transport_name(agreement->transport), who,
                 done.error().message);
    if (!first) first = done.error().code;
    excluded.push_back({static_cast<wire::Transport>(agreement->transport), std::move(done).error().message});
  }
}

Result<void> StreamService::accommodate(Stream& stream, const Party& joining, const LeaseNeed& need) {
  const Producer& producer = stream.producer();
  const Agreement& in_use = stream.agreement();
  std::vector<const Party*> consumers = stream.consumers();
  consumers.push_back(&joining);
  const platform::TextureDesc& image = stream.newest_generation().spec().image;
  // What works for those who are here stays as it is when it works for all: nobody is moved without need, and a stream
  // does not go back and forth as consumers come and go.
  auto as_it_is = agree(producer.party, consumers, demand_for(in_use), image);
  if (as_it_is && stream.newest_generation().lies_as(*as_it_is)) {
    stream.narrow(std::move(*as_it_is));
    return {};
  }
  return allocate_best(
      producer.party.who,
      [&](const std::vector<Excluded>& excluded) {
        auto agreement = agree(producer.party, consumers, demand_of(stream, excluded), image);
        if (agreement) return agreement;
        Error error = std::move(agreement).error();
        error.message = fmt::format("stream {}: {}", stream.log_name(), error.message);
        return Result<Agreement>(std::move(error));
      },
      [&](const Agreement& agreement, std::shared_ptr<platform::VulkanDevice> device) {
        return stream.change_way(agreement, std::move(device), &need, "for " + joining.who);
      });
}

Result<void> StreamService::check_fits(const Stream& stream, const Party& joining) const {
  const Generation& newest = stream.newest_generation();
  auto fits = can_import(joining, newest.spec(), newest.layout());
  if (fits) return fits;
  Error error = std::move(fits).error();
  error.message = fmt::format("stream {}: {}; its way is not changed for another trust domain than {}", stream.log_name(),
                              error.message, to_string(stream.domain()));
  return error;
}

Result<Agreement> StreamService::agree_on(const Stream& stream, const platform::TextureDesc& image,
                                          const std::vector<Excluded>& excluded,
                                          std::optional<std::uint64_t> own_modifier) const {
  const Agreement& in_use = stream.agreement();
  if (own_modifier) {
    Demand demand = demand_of(stream, excluded);
    demand.own_modifier = own_modifier;
    return agree(stream.producer().party, stream.consumers(), demand, image);
  }
  // Of the transports only dma-buf looks at the image.
  if (in_use.transport != platform::Transport::kDmaBuf && excluded.empty()) return in_use;
  const Party& producer = stream.producer().party;
  Demand as_it_is = demand_of(stream, excluded);
  as_it_is.transport = static_cast<wire::Transport>(in_use.transport);
  auto agreement = agree(producer, stream.consumers(), as_it_is, image);
  if (!agreement) return agree(producer, stream.consumers(), demand_of(stream, excluded), image);
  agreement->transport_reason = in_use.transport_reason;
  return agreement;
}

Result<void> StreamService::import_failed(Session& session, const wire::ImportFailedT& said) {
  Stream* stream = find(proto::StreamId{said.stream});
  if (stream == nullptr) return {};  // it has ended meanwhile
  const proto::LeaseId id{said.lease};
  Lease* lease = stream->find_lease(id);
  const bool is_consumer = lease != nullptr && lease->session == &session;
  if (!is_consumer && stream->producer().session != &session) return {};
  const Generation* generation = stream->find_generation(proto::GenerationId{said.generation});
  const platform::Transport in_use = stream->agreement().transport;
  if (generation == nullptr || !generation->lies_as(stream->agreement())) return {};

  constexpr std::size_t kMaxReason = 200;
  Party& party = is_consumer ? lease->party : stream->producer_party();
  spdlog::warn("stream {}: {} cannot import generation {}: {}", stream->log_name(), party.who, said.generation,
               proto::printable(said.reason));
  const std::string reason = proto::printable(said.reason, kMaxReason);
  if (in_use == platform::Transport::kDmaBuf)
    party.give_up(generation->layout().modifier, reason);
  else
    party.give_up(static_cast<wire::Transport>(in_use), reason);
  if (is_consumer && lease->foreign) {
    // What it says is its own affair alone.
    auto fits = can_import(party, generation->spec(), generation->layout());
    Error refused = fits ? Error{ErrorCode::kIncompatible, "it cannot import what it lists"} : std::move(fits).error();
    if (refused.message.find(reason) == std::string::npos) refused.message += ": " + reason;
    end_lease(*stream, id, wire::EndReason::Evicted, refused.message, refused.conflict.get());
    drop_if_unused(proto::StreamId{said.stream});
    return {};
  }
  auto changed = allocate_best(
      stream->producer().party.who,
      [&](const std::vector<Excluded>& excluded) {
        return agree(stream->producer().party, stream->consumers(), demand_of(*stream, excluded),
                     stream->newest_generation().spec().image);
      },
      [&](const Agreement& agreement, std::shared_ptr<platform::VulkanDevice> device) {
        return stream->change_way(agreement, std::move(device), nullptr, "for " + party.who);
      });
  if (changed) return {};
  Error refused = std::move(changed).error();
  if (refused.message.find(reason) == std::string::npos) refused.message += ": " + reason;
  // A producer goes on drawing into the generation that it has.
  if (is_consumer)
    end_lease(*stream, id, wire::EndReason::Evicted, refused.message, refused.conflict.get());
  else
    spdlog::warn("stream {} stays as it was: {}", stream->log_name(), refused.message);
  return {};
}

}  // namespace ferry::daemon
