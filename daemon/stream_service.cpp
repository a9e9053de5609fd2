#include "daemon/stream_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/audit.h"
#include "platform/clock.h"
#include "proto/names.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::LeaseId;
using proto::Result;
using proto::StreamId;

std::string in_role(const char* role, const Session& session) { return fmt::format("{} {}", role, session.name()); }

std::size_t StreamService::lease_count() const {
  std::size_t count = 0;
  for (const auto& [id, stream] : streams_) count += stream->leases().size();
  return count;
}

Result<void> StreamService::permit(Session& session, Action action, const std::string& stream,
                                   const TrustDomain* producer) const {
  const platform::PeerIdentity& peer = session.process()->identity();
  const Decision decision = policy_.decide(peer, action, stream, producer);
  audit(peer, action, stream, decision, session.refusals);
  if (decision.allowed) return {};
  return Error{ErrorCode::kPermissionDenied, fmt::format("{} may not {} a stream '{}': {}", session.name(),
                                                         action_name(action), proto::printable(stream), decision.why)};
}

bool StreamService::may_know(const Session& session, const Stream& stream) const {
  const platform::PeerIdentity& peer = session.process()->identity();
  return session.holdings.streams.contains(stream.id()) ||
         policy_.decide(peer, Action::kView, stream.name(), &stream.domain()).allowed;
}

Stream* StreamService::find(StreamId id) const {
  const auto found = streams_.find(id);
  return found == streams_.end() ? nullptr : found->second.get();
}

Stream* StreamService::find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : find(found->second);
}

Result<Stream*> StreamService::produced_by(const Session& session, std::uint64_t stream) const {
  if (session.holdings.streams.contains(StreamId{stream}))
    if (Stream* found = find(StreamId{stream})) return found;
  return Error{ErrorCode::kNotFound, fmt::format("stream {} is none that {} produces", stream, session.name())};
}

void StreamService::end_lease(Stream& stream, LeaseId id, wire::EndReason reason, const std::string& message,
                              const proto::Conflict* conflict) {
  stream.retire(id, reason, message, conflict);
}

void StreamService::abandon_stream(Stream& stream, const std::string& why) {
  const StreamId id = stream.id();
  spdlog::info("stream {} has lost its producer: {}", stream.log_name(), why);
  stream.abandon();
  drop_if_unused(id);
  if (find(id) != nullptr) orphan_when_gone(stream);
}

void StreamService::orphan_when_gone(Stream& stream) {
  const StreamId id = stream.id();
  // A process that lives may publish all the same: an orphan is a stream that nobody writes, and only the kernel knows.
  const Process* process = stream.producer().process.get();
  stream.producer().process->when_gone([this, id, process] {
    Stream* orphan = find(id);
    if (orphan != nullptr && !orphan->has_producer() && orphan->producer().process.get() == process)
      orphan->declare_orphaned(fmt::format("its producer (pid {}) is gone", process->pid()));
  }, stream.life());
}

void StreamService::drop_if_unused(StreamId id) {
  const auto found = streams_.find(id);
  if (found == streams_.end() || found->second->has_producer() || !found->second->leases().empty() ||
      !found->second->absent().empty())
    return;
  Stream& stream = *found->second;
  if (stream.being_restored) return;
  if (!stream.producer().process->gone() && platform::now_ns() < stream.expects_others_until_ns)
    return;
  spdlog::info("stream {} ended: no producer and no consumer", stream.log_name());
  if (const auto name = names_.find(stream.name()); name != names_.end() && name->second == id) names_.erase(name);
  stream.forget();
  streams_.erase(found);
}

void StreamService::end_session(Session& session) {
  waiting_.remove_if([&](const Waiting& waiting) { return waiting.session == &session; });
  waiting_claims_.remove_if([&](const LeaseClaim& claim) { return claim.session == &session; });
  parts_.erase(&session);

  const bool violated = session.end_reason() == SessionEnd::kViolation;
  const auto reason = violated ? wire::EndReason::ProtocolError : wire::EndReason::Died;
  const std::string why =
      fmt::format("{} {}", session.name(), violated ? "broke the protocol" : "closed its session or died");
  for (const auto& [lease, stream] : std::exchange(session.holdings.leases, {})) {
    if (Stream* found = find(stream)) end_lease(*found, lease, reason, why);
    drop_if_unused(stream);
  }
  for (const StreamId stream : std::exchange(session.holdings.streams, {}))
    if (Stream* found = find(stream)) abandon_stream(*found, why);
}

}  // namespace ferry::daemon
