#include "daemon/broker.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "daemon/audit.h"
#include "platform/clock.h"
#include "proto/names.h"
#include "proto/test_point.h"

namespace ferry::daemon {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;
using proto::SessionId;

namespace {

constexpr std::chrono::seconds kAcceptPause{1};
constexpr int kAcceptsPerTurn = 16;

/// Whether a message brings an answer that its sender has to recognise.
bool wants_answer(wire::Body type) {
  switch (type) {
    case wire::Body::Hello:
    case wire::Body::CreateStream:
    case wire::Body::Reconfigure:
    case wire::Body::Attach:
    case wire::Body::QueryStatus:
    case wire::Body::ReclaimStream:
    case wire::Body::ReclaimLease:
      return true;
    default:
      return false;
  }
}

}  // namespace

Broker::Broker(boost::asio::io_context& io, const Limits& limits, Policy policy, platform::Listener listener,
               GpuPool gpus, std::uint64_t first_id, std::unique_ptr<FdStore> store)
    : io_(io),
      limits_(limits),
      policy_(std::move(policy)),
      listener_(std::move(listener)),
      gpus_(std::move(gpus)),
      allowances_(limits, geteuid()),
      started_ns_(platform::now_ns()),
      store_(std::move(store)),
      service_(io, limits_, policy_, gpus_, first_id, store_.get()) {}

Broker::~Broker() = default;

// ---- who comes and goes -------------------------------------------------------------------------

void Broker::restore(std::vector<platform::PassedFd> kept) {
  std::map<proto::StreamId, std::vector<platform::PassedFd>> of_stream;
  for (platform::PassedFd& entry : kept) {
    if (store_) store_->adopt(entry.name);
    if (const auto name = parse_kept_name(entry.name)) {
      of_stream[name->stream].push_back(std::move(entry));
      continue;
    }
    spdlog::warn("'{}', which the service manager has kept, is not known", proto::printable(entry.name));
    if (store_) store_->remove(entry.name);
  }
  for (auto& [id, entries] : of_stream) {
    // Before anything is looked at, and put back when it has been found good: whatever brings this broker down does not do it
    // twice.
    if (store_)
      for (const platform::PassedFd& entry : entries) store_->remove(entry.name);
    auto restored = service_.restore_kept(id, take_apart(id, std::move(entries)),
                                          [&](const TrustDomain& domain) { return allowances_.for_session(domain); });
    if (!restored)
      spdlog::warn("stream {}, which the service manager has kept, is not restored: {}", raw(id), restored.error().message);
  }
}

Result<void> Broker::start() {
  auto timer = Timer::create(io_, [this] {
    if (auto watched = watch_listener(); !watched) pause_accepting(watched.error());
  });
  if (!timer) return std::move(timer).error();
  accept_again_ = std::move(*timer);
  return watch_listener();
}

Result<void> Broker::watch_listener() {
  auto watch = FdWatch::create(io_, listener_.fd());
  if (!watch) return std::move(watch).error();
  listener_watch_.emplace(std::move(*watch));
  listener_watch_->on_readable([this] { accept_all(); });
  return {};
}

void Broker::accept_all() {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto connection = listener_.accept();
    if (!connection) {
      if (connection.error().code != ErrorCode::kWouldBlock) pause_accepting(connection.error());
      return;
    }
    if (auto welcomed = welcome(std::move(*connection)); !welcomed)
      spdlog::warn("connection refused: {}", welcomed.error().message);
  }
}

void Broker::pause_accepting(const Error& error) {
  // Out of descriptors, say: the connection stays in the queue, and the listener readable, so looking at once would
  // spin.
  spdlog::error("no connection is accepted for {} s: {}", kAcceptPause.count(), error.message);
  listener_watch_->stop();
  accept_again_->arm(kAcceptPause);
}

Result<void> Broker::check_session_limits(const Process& process, const FdBin& bin) const {
  if (bin.is_clogged())
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} descriptors that user {} has sent do not close", bin.held(),
                                                        process.uid())};
  if (sessions_.size() >= limits_.max_sessions)
    return Error{ErrorCode::kLimitExceeded, fmt::format("there are {} sessions; the limit max_sessions is {}",
                                                        sessions_.size(), limits_.max_sessions)};
  const auto of_same_user = static_cast<std::uint64_t>(std::count_if(
      sessions_.begin(), sessions_.end(), [&](const auto& s) { return s.second->process()->uid() == process.uid(); }));
  if (of_same_user >= limits_.max_sessions_per_uid)
    return Error{ErrorCode::kLimitExceeded, fmt::format("user {} has {} sessions; the limit max_sessions_per_uid is {}",
                                                        process.uid(), of_same_user, limits_.max_sessions_per_uid)};
  const TrustDomain domain = domain_of(process.identity());
  if (domain.sandbox.empty()) return {};
  std::uint64_t in_sandboxes = 0, in_this_one = 0;
  for (const auto& [id, session] : sessions_) {
    const TrustDomain other = domain_of(session->process()->identity());
    if (other.uid != domain.uid || other.sandbox.empty()) continue;
    ++in_sandboxes;
    if (other.sandbox == domain.sandbox) ++in_this_one;
  }
  const auto refused = [&](const std::string& who, std::uint64_t has, std::uint64_t share) {
    return Error{ErrorCode::kLimitExceeded, fmt::format("{} has {} sessions; its share of max_sessions_per_uid = {} is {}",
                                                        who, has, limits_.max_sessions_per_uid, share)};
  };
  if (const auto share = share_of_sandboxes(limits_.max_sessions_per_uid); in_sandboxes >= share)
    return refused(fmt::format("the sandboxes of uid {}", domain.uid), in_sandboxes, share);
  if (const auto share = share_of_sandbox(limits_.max_sessions_per_uid); in_this_one >= share)
    return refused(to_string(domain), in_this_one, share);
  return {};
}

Result<void> Broker::welcome(UniqueFd connection) {
  // It may have sent something already.
  const auto turn_away = [&](Error error) {
    platform::hang_up(connection);
    allowances_.strangers_bin()->take(std::move(connection));
    return error;
  };
  auto identity = platform::identify_peer(connection);
  if (!identity) return turn_away(std::move(identity).error());
  auto process = Process::watch(io_, std::move(*identity));
  if (!process) return turn_away(std::move(process).error());
  Allowance allowance = allowances_.for_session(domain_of((*process)->identity()));
  const auto within_limits = check_session_limits(**process, *allowance.bin);

  const SessionId id{++last_session_};
  auto session = Session::start(io_, {id, std::move(connection), *process, std::move(allowance)}, limits_, *this);
  if (!session) return std::move(session).error();
  spdlog::debug("session {} of {} (uid {})", raw(id), (*session)->name(), (*process)->uid());
  Session& started = *sessions_.emplace(id, std::move(*session)).first->second;
  (*process)->when_gone([this, id] {
    if (const auto found = sessions_.find(id); found != sessions_.end())
      found->second->end("died", SessionEnd::kPeerLeft);
  });
  if (!within_limits) started.fail(within_limits.error(), SessionEnd::kPeerLeft);
  return {};
}

void Broker::on_session_ended(Session& session) {
  audit_unwritten(session.process()->identity(), session.refusals);
  boost::asio::post(io_, [this, id = session.id()] { remove_session(id); });
}

void Broker::remove_session(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  const std::unique_ptr<Session> session = std::move(found->second);
  sessions_.erase(found);
  service_.end_session(*session);
  linger(session->process());
}

void Broker::linger(std::shared_ptr<Process> process) {
  std::erase_if(lingering_, [](const auto& p) { return !p->owes(); });
  if (process->gone() || !process->owes()) return;
  const Process* raw_process = process.get();
  lingering_.push_back(std::move(process));
  raw_process = lingering_.back().get();
  lingering_.back()->when_gone([this, raw_process] {
    // Not now: it is the one that calls.
    boost::asio::post(
        io_, [this, raw_process] { std::erase_if(lingering_, [&](const auto& p) { return p.get() == raw_process; }); });
  });
}

void Broker::stop(const std::string& why) {
  if (listener_watch_) listener_watch_->stop();
  accept_again_.reset();
  for (auto& [id, session] : sessions_) session->fail({ErrorCode::kDisconnected, why}, SessionEnd::kShutdown);
}

Books Broker::books() const {
  return {sessions_.size(), service_.streams().size(), service_.lease_count(), service_.waiting_count(),
          allowances_.memory().used()};
}

// ---- what they say ------------------------------------------------------------------------------

void Broker::on_message(Session& session, Message message) {
  const std::uint64_t request = message.envelope->request;
  const auto type = message.envelope->body.type;
  spdlog::trace("session {}: {}", raw(session.id()), proto::name_of(type));
  FERRY_TEST_POINT((std::string("handle.") + proto::name_of(type) + ".before").c_str());
  auto handled = handle(session, std::move(message));
  FERRY_TEST_POINT((std::string("handle.") + proto::name_of(type) + ".after").c_str());
  if (handled) return;
  const Error& error = handled.error();
  if (error.code == ErrorCode::kProtocolViolation) return session.fail(error);
  spdlog::warn("{} of {} refused: {}", proto::name_of(type), session.name(), error.message);
  session.refuse(request, error);
  if (error.code == ErrorCode::kVersionMismatch) session.end("no protocol version in common", SessionEnd::kPeerLeft);
}

Result<void> Broker::handle(Session& session, Message message) {
  const std::uint64_t request = message.envelope->request;
  auto& body = message.envelope->body;
  if (request == 0 && wants_answer(body.type))
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("{} came as request 0, which cannot be answered", proto::name_of(body.type))};
  switch (body.type) {
    case wire::Body::Hello:
      return greet(session, request, *body.AsHello());
    case wire::Body::CreateStream:
      return service_.create_stream(session, request, *body.AsCreateStream(), std::move(message.fds));
    case wire::Body::Reconfigure:
      return service_.reconfigure(session, request, *body.AsReconfigure(), std::move(message.fds));
    case wire::Body::GenerationsRetired:
      return service_.retire_generations(session, *body.AsGenerationsRetired());
    case wire::Body::ReportStarved:
      return service_.judge_starvation(session, *body.AsReportStarved());
    case wire::Body::ImportFailed:
      return service_.import_failed(session, *body.AsImportFailed());
    case wire::Body::CloseStream:
      return service_.close_stream(session, request, *body.AsCloseStream());
    case wire::Body::Attach:
      return service_.attach(session, request, *body.AsAttach(), std::move(message.fds[0]));
    case wire::Body::CancelAttach:
      return service_.cancel_attach(session, request, *body.AsCancelAttach());
    case wire::Body::Detach:
      return service_.detach(session, request, *body.AsDetach());
    case wire::Body::QueryStatus:
      return send_status(session, request, *body.AsQueryStatus());
    case wire::Body::HandBackGeneration:
      return service_.hand_back_generation(
          session, std::make_unique<wire::HandBackGenerationT>(std::move(*body.AsHandBackGeneration())),
          std::move(message.fds));
    case wire::Body::HandBackLease:
      return service_.hand_back_lease(session, *body.AsHandBackLease(), std::move(message.fds));
    case wire::Body::ReclaimStream:
      return service_.reclaim_stream(session, request, *body.AsReclaimStream(), std::move(message.fds[0]));
    case wire::Body::ReclaimLease:
      return service_.reclaim_lease(session, request,
                                    std::make_unique<wire::ReclaimLeaseT>(std::move(*body.AsReclaimLease())),
                                    std::move(message.fds));
    default:
      return Error{ErrorCode::kInternal, fmt::format("{} passed next_state()", proto::name_of(body.type))};
  }
}

Result<void> Broker::greet(Session& session, std::uint64_t request, const wire::HelloT& hello) {
  session.set_application(hello.application);
  if (hello.protocol_min > proto::kProtocolVersionMax || hello.protocol_max < proto::kProtocolVersionMin ||
      hello.protocol_min > hello.protocol_max)
    return Error{
        ErrorCode::kVersionMismatch,
        fmt::format("{} speaks protocol {} to {}, ferryd {} speaks {} to {}", session.name(), hello.protocol_min,
                    hello.protocol_max, FERRY_VERSION, proto::kProtocolVersionMin, proto::kProtocolVersionMax)};
  wire::HelloReplyT reply;
  reply.protocol = std::min(hello.protocol_max, proto::kProtocolVersionMax);
  reply.protocol_min = proto::kProtocolVersionMin;
  reply.protocol_max = proto::kProtocolVersionMax;
  reply.broker_version = FERRY_VERSION;
  reply.broker_pid = static_cast<std::uint32_t>(getpid());
  reply.session = raw(session.id());
  reply.client_pid = static_cast<std::uint32_t>(session.process()->pid());
  reply.client_started = session.process()->identity().started_ticks;
  reply.takes_back = true;
  reply.takes_own_slots = true;
  for (auto& device : gpus_.describe()) reply.devices.push_back(std::make_unique<wire::DeviceT>(std::move(device)));
  session.send(request, std::move(reply));
  spdlog::info("session {}: {}, uid {}, library {}", raw(session.id()), session.name(), session.process()->uid(),
               proto::printable(hello.library_version, 32));
  return {};
}

Result<void> Broker::send_status(Session& session, std::uint64_t request, const wire::QueryStatusT& asked) {
  const BrokerFacts facts{listener_.path(), started_ns_, sessions_.size()};
  session.send(request, report_status(facts, service_, gpus_, allowances_.memory(), session,
                                       {proto::StreamId{asked.first_stream}, proto::LeaseId{asked.first_lease}},
                                      platform::now_ns()));
  return {};
}

}  // namespace ferry::daemon
