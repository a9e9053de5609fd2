#include "daemon/session.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

#include "daemon/wire_convert.h"
#include "platform/fd_kind.h"
#include "proto/names.h"
#include "proto/test_point.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;
using proto::SessionState;

namespace {

// A peer that sends without pause gets no more than this many turns before the others have theirs.
constexpr int kMessagesPerTurn = 16;

/// Before anything is asked of them or done with them, closing among it: no message carries anything else.
Result<void> check_kinds(std::span<const platform::UniqueFd> fds, wire::Body type) {
  for (std::size_t i = 0; i < fds.size(); ++i)
    if (const auto nature = platform::nature_of(fds[i]); !nature.may_be_used())
      return Error{ErrorCode::kProtocolViolation, fmt::format("descriptor {} of {} is {}, neither memory nor a GPU object", i,
                                                              proto::name_of(type), nature.name)};
  return {};
}

}  // namespace

Session::Session(Setup setup, const Limits& limits, SessionEvents& events)
    : setup_(std::move(setup)),
      events_(events),
      outbox_(limits.max_outbox_messages, setup_.allowance.messages, setup_.allowance.descriptors) {}

Result<std::unique_ptr<Session>> Session::start(boost::asio::io_context& io, Setup setup, const Limits& limits,
                                                SessionEvents& events) {
  std::unique_ptr<Session> session(new Session(std::move(setup), limits, events));
  const std::uint64_t timeout_ms = limits.greeting_timeout_ms;
  auto deadline = Timer::create(io, [raw = session.get(), timeout_ms] {
    raw->fail({ErrorCode::kTimeout, fmt::format("no Hello within {} ms", timeout_ms)});
  });
  if (!deadline) return std::move(deadline).error();
  (*deadline)->arm(std::chrono::milliseconds(timeout_ms));
  session->greeting_deadline_ = std::move(*deadline);

  auto watch = FdWatch::create(io, session->setup_.socket);
  if (!watch) return std::move(watch).error();
  session->watch_.emplace(std::move(*watch));
  session->watch_->on_readable([raw = session.get()] { raw->on_readable(); });
  return session;
}

Session::~Session() {
  watch_.reset();
  platform::hang_up(setup_.socket);
  FdBin& bin = *setup_.allowance.bin;
  bin.take(outbox_.take_descriptors());
  bin.take(std::move(setup_.socket));  // with what lies unread in it
}

std::string Session::name() const {
  const std::string& name = application_.empty() ? process()->name() : application_;
  return fmt::format("'{}' (pid {})", name, process()->pid());
}

void Session::set_application(const std::string& name) {
  application_ = proto::printable(name, proto::kMaxApplicationBytes);
  greeting_deadline_.reset();
}

void Session::on_readable() {
  for (int i = 0; i < kMessagesPerTurn && !closed(); ++i)
    if (!receive_one()) return;
}

bool Session::receive_one() {
  FdBin& bin = *setup_.allowance.bin;
  if (bin.is_clogged()) {
    fail({ErrorCode::kLimitExceeded, fmt::format("{} descriptors that user {} has sent do not close", bin.held(), process()->uid())},
         SessionEnd::kPeerLeft);
    return false;
  }
  std::vector<platform::UniqueFd> fds;
  auto bytes = platform::receive_packet(setup_.socket, fds);
  if (bytes && !bytes->empty()) {
    take_packet(*bytes, std::move(fds));
    return true;
  }
  bin.take(std::move(fds));
  if (bytes) {
    end("closed its socket", SessionEnd::kPeerLeft);
    return true;
  }
  const Error& error = bytes.error();
  if (error.code == ErrorCode::kWouldBlock) return false;
  if (error.code == ErrorCode::kProtocolViolation)
    fail(error);
  else if (error.code == ErrorCode::kLimitExceeded)
    fail(error, SessionEnd::kPeerLeft);
  else
    end(error.message, SessionEnd::kPeerLeft);
  return false;
}

Result<std::unique_ptr<proto::Envelope>> Session::check_packet(std::span<const std::byte> bytes,
                                                               std::span<const platform::UniqueFd> fds) const {
  auto envelope = proto::decode_request(bytes);
  if (!envelope) return envelope;
  const auto type = (*envelope)->body.type;
  if (!proto::next_state(state_, type))
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("{} may not be sent {}", proto::name_of(type),
                             state_ == SessionState::kGreeting ? "before Hello" : "by a client after Hello")};
  const std::size_t wanted = proto::descriptor_count(**envelope);
  if (fds.size() != wanted)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("{} came with {} descriptors instead of {}", proto::name_of(type), fds.size(), wanted)};
  if (auto usable = check_kinds(fds, type); !usable) return std::move(usable).error();
  return envelope;
}

void Session::take_packet(std::span<const std::byte> bytes, std::vector<platform::UniqueFd> fds) {
  auto envelope = check_packet(bytes, fds);
  if (!envelope) {
    setup_.allowance.bin->take(std::move(fds));
    return fail(envelope.error());
  }
  state_ = *proto::next_state(state_, (*envelope)->body.type);
  events_.on_message(*this, {std::move(*envelope), std::move(fds)});
}

void Session::send_bytes(std::vector<std::byte> bytes, const FdList& fds) {
  FERRY_TEST_POINT_OF_MESSAGE("send", bytes, "before");
  auto sent = outbox_.send(setup_.socket, std::move(bytes), fds);
  if (!sent) return end(sent.error().message, SessionEnd::kPeerLeft);
  if (!outbox_.empty()) await_room();
}

void Session::await_room() {
  if (awaits_room_) return;
  awaits_room_ = true;
  watch_->once_writable([this] {
    awaits_room_ = false;
    flush();
  });
}

void Session::flush() {
  if (closed()) return;
  auto flushed = outbox_.flush(setup_.socket);
  if (!flushed) return end(flushed.error().message, SessionEnd::kPeerLeft);
  if (!outbox_.empty()) await_room();
}

void Session::refuse(std::uint64_t request, const Error& error) {
  if (request == 0) return;
  wire::RefusedT refused;
  refused.code = static_cast<std::int32_t>(error.code);
  refused.message = error.message;
  if (error.conflict) refused.conflict = std::make_unique<wire::ConflictT>(to_wire(*error.conflict));
  send(request, std::move(refused));
}

void Session::fail(const Error& error, SessionEnd reason) {
  if (closed()) return;
  if (outbox_.empty()) {
    wire::GoodbyeT goodbye;
    goodbye.code = static_cast<std::int32_t>(error.code);
    goodbye.message = error.message;
    // Its last word: whether there is room for it or not, the session ends here.
    (void)outbox_.send(setup_.socket, proto::encode(0, std::move(goodbye)), {});
  }
  end(error.message, reason);
}

void Session::end(const std::string& why, SessionEnd reason) {
  if (closed()) return;
  state_ = SessionState::kClosed;
  end_reason_ = reason;
  watch_->stop();
  greeting_deadline_.reset();
  spdlog::log(reason == SessionEnd::kViolation ? spdlog::level::warn : spdlog::level::info,
              "session {} of {} ended: {}", raw(id()), name(), why);
  events_.on_session_ended(*this);
}

}  // namespace ferry::daemon
