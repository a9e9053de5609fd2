// StreamService: what consumers ask.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/stream_service.h"
#include "platform/clock.h"
#include "proto/names.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<LeaseNeed> check_need(const std::string& stream, wire::ConsumerMode mode, std::uint32_t max_holds,
                             std::uint32_t queue_depth) {
  auto invalid = [&](std::string what) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for stream '{}'", what, proto::printable(stream))};
  };
  if (mode != wire::ConsumerMode::Latest && mode != wire::ConsumerMode::Every)
    return invalid(fmt::format("consumer mode {} is not known", static_cast<int>(mode)));
  if (max_holds == 0 || max_holds > proto::kMaxHolds)
    return invalid(fmt::format("max_holds {} is outside 1 to {}", max_holds, proto::kMaxHolds));
  const bool queues = mode == wire::ConsumerMode::Every;
  if (queues && (queue_depth == 0 || queue_depth > proto::kMaxQueueDepth))
    return invalid(fmt::format("queue_depth {} is outside 1 to {}", queue_depth, proto::kMaxQueueDepth));
  return LeaseNeed{static_cast<proto::ConsumerMode>(mode), max_holds, queues ? queue_depth : 0, false};
}

std::size_t StreamService::waiting_count(const Session& session) const {
  const auto of_session = [&](const auto& waiting) { return waiting.session == &session; };
  return static_cast<std::size_t>(std::count_if(waiting_.begin(), waiting_.end(), of_session) +
                                  std::count_if(waiting_claims_.begin(), waiting_claims_.end(), of_session));
}

Result<void> StreamService::attach(Session& session, std::uint64_t request, const wire::AttachT& asked,
                                   UniqueFd page_fd) {
  if (auto ok = proto::check_stream_name(asked.name); !ok) return ok;
  const std::string object = fmt::format("a lease of stream '{}'", proto::printable(asked.name));
  auto descriptors = Reservation::take(session.allowance().descriptors, kDescriptorsOfLease, object);
  if (!descriptors) return std::move(descriptors).error();
  auto page = share_page<proto::LeasePage>(std::move(page_fd), proto::PageKind::kLease, std::move(*descriptors));
  if (!page) return std::move(page).error();
  const auto need = check_need(asked.name, asked.mode, asked.max_holds, asked.queue_depth);
  if (!need) return need.error();
  auto party = party_of(asked.device.get(), in_role("consumer", session));
  if (!party) return std::move(party).error();
  const std::size_t leases = session.holdings.leases.size() + waiting_count(session);
  if (leases >= limits_.max_leases_per_session)
    return Error{ErrorCode::kLimitExceeded,
                 fmt::format("{} has or waits for {} leases; the limit max_leases_per_session is {}", session.name(),
                             leases, limits_.max_leases_per_session)};
  auto memory = Reservation::take(session.allowance().messages, sizeof(Waiting) + bytes_of(*party), object);
  if (!memory) return std::move(memory).error();
  Wish wish{asked.name, *need, std::move(*party), std::move(*memory), std::move(*page)};
  Stream* stream = find(asked.name);
  const bool settled = stream == nullptr || stream->expects_others_until_ns == 0 || stream->knows_places;
  if (stream != nullptr && settled) return attach_now(*stream, session, request, std::move(wish));
  if (!asked.wait && settled) {
    // Who may not see it is not to learn whether it exists.
    if (auto may = permit(session, Action::kView, asked.name); !may) return may;
    return Error{ErrorCode::kNotFound, fmt::format("there is no stream '{}'", proto::printable(asked.name))};
  }
  waiting_.push_back({&session, request, std::move(wish), asked.wait});
  return {};
}

Result<void> StreamService::attach_now(Stream& stream, Session& session, std::uint64_t request, Wish wish) {
  if (auto may = permit(session, Action::kView, stream.name(), &stream.domain()); !may) return may;
  const LeaseNeed& need = wish.need;
  Party& party = wish.party;
  const std::string who = party.who;
  const bool foreign = domain_of(session.process()->identity()) != stream.domain();
  // The producer's own slots have the sync mode that they began with: who cannot take part in it sees what is complete.
  party.completed_only = stream.agreement().own && stream.agreement().publishes_early() &&
                         !can_exchange_fences(stream.producer().party, party);
  if (auto fits = foreign ? check_fits(stream, party) : accommodate(stream, party, need); !fits) return fits;
  auto lease = std::make_unique<Lease>();
  lease->id = proto::LeaseId{++last_lease_};
  lease->session = &session;
  lease->bin = session.allowance().bin;
  const bool completed_only = party.completed_only;
  lease->party = std::move(party);
  lease->memory = std::move(wish.memory);
  lease->need = need;
  lease->foreign = foreign;
  if (foreign && !stream.newest_generation().may_leave_domain()) {
    // As many slots as there are: the producer pays for them.
    if (auto renewed = stream.renew(nullptr, "for " + who); !renewed) return renewed;
    if (auto fits = check_fits(stream, lease->party); !fits) return fits;
  }
  lease->need.completed_only = completed_only || (lease->foreign && stream.agreement().publishes_early());
  lease->page = std::move(wish.page);
  lease->attached_ns = platform::now_ns();
  auto admitted = stream.admit(std::move(lease), request, limits_.max_leases_per_stream);
  if (!admitted) {
    // The next attempt gets a device object that works.
    if (admitted.error().code == ErrorCode::kDeviceLost)
      replace_device(stream.agreement().device, admitted.error().message);
    return std::move(admitted).error();
  }
  session.holdings.leases.emplace((*admitted)->id, stream.id());
  spdlog::info("stream {}: lease {} for {}, mode {}, holds {}, queue {}", stream.log_name(), raw((*admitted)->id), who,
               need.mode == proto::ConsumerMode::kEvery ? "every" : "latest", need.max_holds, need.queue_depth);
  grow_pool(stream);
  return {};
}

void StreamService::serve_waiting(Stream& stream) {
  for (auto waiting = waiting_.begin(); waiting != waiting_.end();) {
    if (waiting->wish.stream != stream.name()) {
      ++waiting;
      continue;
    }
    Waiting served = std::move(*waiting);
    waiting = waiting_.erase(waiting);
    auto attached = attach_now(stream, *served.session, served.request, std::move(served.wish));
    if (attached) continue;
    spdlog::warn("Attach of {} refused: {}", served.session->name(), attached.error().message);
    served.session->refuse(served.request, attached.error());
  }
}

Result<void> StreamService::cancel_attach(Session& session, std::uint64_t request, const wire::CancelAttachT& asked) {
  const auto waiting = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
    return w.session == &session && w.request == asked.request;
  });
  if (waiting == waiting_.end())
    return Error{ErrorCode::kNotFound, fmt::format("request {} is no Attach that waits", asked.request)};
  const Error given_up{ErrorCode::kTimeout,
                       fmt::format("stream '{}' did not appear in time", proto::printable(waiting->wish.stream))};
  waiting_.erase(waiting);
  session.refuse(asked.request, given_up);
  session.refuse(request, given_up);
  return {};
}

Result<void> StreamService::detach(Session& session, std::uint64_t request, const wire::DetachT& asked) {
  const auto held = session.holdings.leases.find(proto::LeaseId{asked.lease});
  if (held == session.holdings.leases.end()) {
    const auto given_up = waiting_claims_.remove_if(
        [&](const LeaseClaim& claim) { return claim.session == &session && claim.asked->lease == asked.lease; });
    if (given_up == 0)
      return Error{ErrorCode::kNotFound, fmt::format("lease {} is none that {} has", asked.lease, session.name())};
    if (request != 0) session.send(request, wire::DoneT{});
    return {};
  }
  const auto [lease, stream_id] = *held;
  if (Stream* stream = find(stream_id)) end_lease(*stream, lease, wire::EndReason::Detached, "detached");
  if (request != 0) session.send(request, wire::DoneT{});
  drop_if_unused(stream_id);
  return {};
}

}  // namespace ferry::daemon
