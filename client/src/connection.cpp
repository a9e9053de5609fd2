#include "client/src/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "client/src/wire_convert.h"
#include "ferry/ferry.h"
#include "platform/clock.h"
#include "platform/path_watch.h"
#include "platform/thread_name.h"
#include "proto/limits.h"
#include "proto/test_point.h"

namespace ferry::client {

using platform::SendStatus;
using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

// Between two looks for a broker: short at first, for one that is just starting, and then longer and longer.
constexpr std::int64_t kFirstPauseNs = 2'000'000;
constexpr std::int64_t kLongestPauseNs = 1'000'000'000;
UniqueFd duplicate_of(int borrowed) {
  UniqueFd fd{borrowed};
  UniqueFd copy = fd.duplicate();
  (void)fd.release();
  return copy;
}

/// @p otherwise: what a code that this library does not know counts as.
ErrorCode known_code(std::int32_t code, ErrorCode otherwise) {
  return code <= -1 && code >= static_cast<std::int32_t>(ErrorCode::kInternal) ? static_cast<ErrorCode>(code) : otherwise;
}

Error refusal(const wire::RefusedT& refused) {
  Error error{known_code(refused.code, ErrorCode::kIncompatible), refused.message};
  if (refused.conflict) error.conflict = from_wire(*refused.conflict);
  return error;
}

Error farewell(const wire::GoodbyeT& goodbye) {
  return {known_code(goodbye.code, ErrorCode::kDisconnected), fmt::format("the broker ended the session: {}", goodbye.message)};
}

}  // namespace

std::shared_ptr<const Connection::Question> Connection::Question::keep(const std::vector<std::byte>& bytes,
                                                                       std::span<const int> fds) {
  auto question = std::make_shared<Question>();
  question->bytes = bytes;
  for (const int fd : fds) question->fds.push_back(duplicate_of(fd));
  return question;
}

std::vector<int> Connection::Question::fd_numbers() const {
  std::vector<int> numbers;
  for (const UniqueFd& fd : fds) numbers.push_back(fd.get());
  return numbers;
}

Result<std::shared_ptr<Connection>> Connection::open(const Options& options) {
  auto wake = platform::create_channel();
  if (!wake) return std::move(wake).error();
  std::shared_ptr<Connection> connection(new Connection(options));
  connection->wake_ = std::move(*wake);
  auto socket = platform::connect_to(options.socket_path);
  if (!socket) return std::move(socket).error();
  connection->socket_ = std::make_shared<const UniqueFd>(std::move(*socket));
  if (auto greeted = connection->greet(); !greeted) return std::move(greeted).error();
  connection->connected_ = true;
  connection->control_ = std::thread([raw = connection.get()] { raw->run(); });
  return connection;
}

Connection::~Connection() {
  if (!control_.joinable()) return;
  ending_ = true;
  platform::ring_channel(wake_.producer_end);
  control_.join();
}

std::shared_ptr<const wire::HelloReplyT> Connection::broker() const {
  std::lock_guard lock(mutex_);
  return hello_;
}

void Connection::sign(proto::PageWriter& writer) const {
  const auto told = broker();
  writer.pid.store(told->client_pid, std::memory_order_relaxed);
  writer.started_ticks.store(told->client_started, std::memory_order_relaxed);
}

Result<void> Connection::greet() {
  wire::HelloT hello;
  hello.protocol_min = proto::kProtocolVersionMin;
  hello.protocol_max = proto::kProtocolVersionMax;
  hello.library_version = ferry_version();
  hello.application = options_.application;
  const Numbered greeting = number(std::move(hello));
  // A broker that refuses the session has said why before it closed: that is still there to be read.
  const std::int64_t until_ns = patience_end_ns();
  const auto sent = send(greeting.bytes, {}, until_ns);
  if (!sent && sent.error().code != ErrorCode::kDisconnected) return sent;

  for (;;) {
    auto readable = platform::wait_readable(*socket_, wake_.consumer_end, until_ns);
    if (!readable) return std::move(readable).error();
    if (readable->other && is_to_end()) return Error{ErrorCode::kDisconnected, "the connection is being closed"};
    if (readable->other) continue;
    if (!readable->socket)
      return Error{ErrorCode::kTimeout, fmt::format("the broker at '{}' did not answer within {} ms", options_.socket_path,
                                                    options_.timeout_ns / 1'000'000)};
    auto message = receive();
    if (!message) {
      if (message.error().code == ErrorCode::kWouldBlock) continue;
      return std::move(message).error();
    }
    auto& body = message->envelope->body;
    if (body.type == wire::Body::Refused) return refusal(*body.AsRefused());
    if (body.type == wire::Body::Goodbye) return farewell(*body.AsGoodbye());
    if (body.type != wire::Body::HelloReply)
      return Error{ErrorCode::kProtocolViolation, fmt::format("the broker answered Hello with {}", proto::name_of(body.type))};
    const wire::HelloReplyT& reply = *body.AsHelloReply();
    if (reply.protocol < proto::kProtocolVersionMin || reply.protocol > proto::kProtocolVersionMax)
      return Error{ErrorCode::kVersionMismatch,
                   fmt::format("the broker speaks protocol {} to {} and chose {}; this library speaks {} to {}",
                               reply.protocol_min, reply.protocol_max, reply.protocol, proto::kProtocolVersionMin,
                               proto::kProtocolVersionMax)};
    greeted_ns_ = platform::now_ns();
    std::lock_guard lock(mutex_);
    hello_ = std::make_shared<wire::HelloReplyT>(reply);
    return {};
  }
}

std::int64_t Connection::patience_end_ns() const { return platform::deadline_after(options_.timeout_ns); }

Result<void> Connection::send(std::span<const std::byte> bytes, std::span<const int> fds, std::int64_t deadline_ns) {
  const Error gone{ErrorCode::kDisconnected, "the broker is gone"};
  std::unique_lock lock(send_mutex_);
  const std::shared_ptr<const UniqueFd> socket = socket_;
  if (!socket) return gone;
  FERRY_TEST_POINT_OF_MESSAGE("send", bytes, "before");
  for (;;) {
    auto sent = say_unsaid();
    if (sent && *sent == SendStatus::kSent) sent = platform::send_packet(*socket, bytes, fds);
    if (!sent) return std::move(sent).error();
    if (*sent == SendStatus::kSent) break;
    // Without the lock: who only tells something does not wait for a broker that stands still.
    lock.unlock();
    const auto room = platform::wait_room(*socket, deadline_ns);
    if (!room) return room.error();
    if (!*room) return Error{ErrorCode::kTimeout, "the broker has not read its messages in time"};
    lock.lock();
    if (socket_ != socket) return gone;
  }
  FERRY_TEST_POINT_OF_MESSAGE("send", bytes, "after");
  return {};
}

void Connection::say(Unsaid message) {
  std::lock_guard lock(send_mutex_);
  // Who has not asked a broker anything has nothing to undo.
  if (!connected() && !message.topic) return;
  FERRY_TEST_POINT_OF_MESSAGE("send", message.bytes, "before");
  keep(std::move(message));
  if (connected()) (void)say_unsaid();
}

void Connection::keep(Unsaid message) {
  const auto same = [&](const Unsaid& earlier) { return message.topic && earlier.topic == message.topic; };
  std::erase_if(unsaid_, same);
  unsaid_.push_back(std::move(message));
}

Result<SendStatus> Connection::say_unsaid() {
  // A broker that has not greeted us, or not heard the claims, is not to hear of what they are about.
  if (!socket_ || !connected()) return SendStatus::kSent;
  while (!unsaid_.empty()) {
    auto sent = platform::send_packet(*socket_, unsaid_.front().bytes, {});
    if (!sent && sent.error().code == ErrorCode::kDisconnected) return sent;
    if (sent && *sent == SendStatus::kWouldBlock) {
      // The control thread waits for room.
      platform::ring_channel(wake_.producer_end);
      return sent;
    }
    FERRY_TEST_POINT_OF_MESSAGE("send", unsaid_.front().bytes, "after");
    unsaid_.pop_front();
  }
  return SendStatus::kSent;
}

bool Connection::has_unsaid() {
  std::lock_guard lock(send_mutex_);
  return !unsaid_.empty();
}

bool Connection::is_to_end() {
  (void)platform::drain_channel(wake_.consumer_end);
  if (!ending_) return false;
  platform::ring_channel(wake_.producer_end);  // for whoever of this thread's callers waits next
  return true;
}

/// One message with the descriptors that belong to it; kWouldBlock when there is none yet.
Result<Message> Connection::receive() {
  auto packet = platform::receive_packet(*socket_);
  if (!packet) return std::move(packet).error();
  if (packet->bytes.empty()) return Error{ErrorCode::kDisconnected, "the broker closed the connection"};
  auto envelope = proto::decode(packet->bytes);
  if (!envelope) return std::move(envelope).error();
  FERRY_TEST_POINT_OF_MESSAGE("receive", packet->bytes, "after");
  const std::size_t wanted = proto::descriptor_count(**envelope);
  if (packet->fds.size() != wanted)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("{} from the broker came with {} descriptors instead of {}",
                             proto::name_of((*envelope)->body.type), packet->fds.size(), wanted)};
  return Message{std::move(*envelope), std::move(packet->fds)};
}

Result<Message> Connection::ask(wire::BodyUnion body, std::span<const int> fds, wire::Body expected,
                                std::int64_t timeout_ns, std::shared_ptr<Recipient> recipient) {
  const std::int64_t deadline_ns = platform::deadline_after(timeout_ns);
  const char* question = proto::name_of(body.type);
  const bool is_attach = body.type == wire::Body::Attach;
  // Whoever waits for a stream waits for a broker, too.
  const bool waits = is_attach && body.AsAttach()->wait;
  std::uint64_t request = 0;
  std::vector<std::byte> bytes;
  bool send_now = false;
  {
    std::lock_guard lock(mutex_);
    send_now = connected();
    if (!send_now && !waits) return Error{ErrorCode::kDisconnected, lost_because_.message};
    request = ++last_request_;
    bytes = proto::encode(request, std::move(body));
    Pending& pending = pending_[request];
    pending.recipient = std::move(recipient);
    if (waits) pending.again = Question::keep(bytes, fds);
  }
  if (send_now) {
    const auto sent = send(bytes, fds, deadline_ns);
    if (!sent && !(waits && sent.error().code == ErrorCode::kDisconnected)) {
      std::lock_guard lock(mutex_);
      pending_.erase(request);
      return sent.error();
    }
  }

  std::unique_lock lock(mutex_);
  auto is_done = [&] { return pending_[request].done; };
  bool done = true;
  if (timeout_ns < 0)
    answered_.wait(lock, is_done);
  else  // steady_clock is CLOCK_MONOTONIC
    done = answered_.wait_until(lock, std::chrono::steady_clock::time_point(std::chrono::nanoseconds(deadline_ns)), is_done);
  Pending mine = std::move(pending_[request]);
  pending_.erase(request);
  lock.unlock();

  if (!done) {
    if (is_attach) {
      wire::CancelAttachT cancel;
      cancel.request = request;
      tell(std::move(cancel));
    }
    return Error{ErrorCode::kTimeout, fmt::format("no answer to {} within {} ms", question, timeout_ns / 1'000'000)};
  }
  if (!mine.answer) return std::move(mine.answer).error();
  auto& answer = mine.answer->envelope->body;
  if (answer.type == wire::Body::Refused) return refusal(*answer.AsRefused());
  if (answer.type != expected)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("the broker answered {} with {}", question, proto::name_of(answer.type))};
  return std::move(mine.answer);
}

void Connection::run() {
  platform::name_this_thread("ferry-control");
  for (;;) {
    const auto why = serve();
    if (!why) return;
    lose(*why);
    if (!reconnect()) return;
    resume();
  }
}

Result<platform::ReadableOrRoom> Connection::wait_for_work() {
  if (has_unsaid()) return platform::wait_readable_or_room(*socket_, wake_.consumer_end);
  const auto readable = platform::wait_readable(*socket_, wake_.consumer_end, -1);
  if (!readable) return readable.error();
  return platform::ReadableOrRoom{readable->socket, false, readable->other};
}

std::optional<Error> Connection::serve() {
  for (;;) {
    const auto ready = wait_for_work();
    if (!ready) return ready.error();
    if (ready->other && is_to_end()) return std::nullopt;
    if (ready->room) {
      std::lock_guard lock(send_mutex_);
      (void)say_unsaid();
    }
    if (!ready->readable) continue;
    auto message = receive();
    if (!message) {
      if (message.error().code == ErrorCode::kWouldBlock) continue;
      return message.error();
    }
    auto& body = (*message->envelope).body;
    if (body.type == wire::Body::Goodbye)
      return farewell(*body.AsGoodbye());
    if (message->envelope->request == 0)
      deliver(std::move(*message));
    else if (!deliver_claim(*message))
      take_answer(std::move(*message));
  }
}

void Connection::take_answer(Message message) {
  std::unique_lock lock(mutex_);
  auto& body = message.envelope->body;
  auto found = pending_.find(message.envelope->request);
  if (found == pending_.end() || found->second.done) {
    lock.unlock();
    // Nobody waits any more: a lease or a stream that came too late must not stay behind.
    if (body.type == wire::Body::Attached) {
      wire::DetachT detach;
      detach.lease = body.AsAttached()->lease;
      tell(std::move(detach));
    } else if (body.type == wire::Body::StreamCreated) {
      wire::CloseStreamT close;
      close.stream = body.AsStreamCreated()->stream;
      tell(std::move(close));
    }
    return;
  }
  if (found->second.recipient) {
    if (body.type == wire::Body::Attached)
      recipients_[{true, body.AsAttached()->lease}] = found->second.recipient;
    else if (body.type == wire::Body::StreamCreated)
      recipients_[{false, body.AsStreamCreated()->stream}] = found->second.recipient;
  }
  found->second.answer = std::move(message);
  found->second.done = true;
  answered_.notify_all();
}

Connection::Address Connection::address_of(const proto::Envelope& envelope) {
  const auto& body = envelope.body;
  auto lease_or_stream = [](std::uint64_t lease, std::uint64_t stream) {
    return lease != 0 ? Address{true, lease} : Address{false, stream};
  };
  switch (body.type) {
    case wire::Body::GenerationStarted:
      return lease_or_stream(body.AsGenerationStarted()->lease, body.AsGenerationStarted()->stream);
    case wire::Body::ProducerChanged: return {true, body.AsProducerChanged()->lease};
    case wire::Body::StreamStateChanged: return {true, body.AsStreamStateChanged()->lease};
    case wire::Body::LeaseAdded: return {false, body.AsLeaseAdded()->stream};
    case wire::Body::LeaseEnded:
      return lease_or_stream(body.AsLeaseEnded()->to_consumer ? body.AsLeaseEnded()->lease : 0, body.AsLeaseEnded()->stream);
    default: return {false, 0};
  }
}

void Connection::deliver(Message message) {
  std::lock_guard delivering(deliver_mutex_);
  std::shared_ptr<Recipient> recipient;
  {
    std::lock_guard lock(mutex_);
    auto found = recipients_.find(address_of(*message.envelope));
    if (found != recipients_.end()) recipient = found->second;
  }
  // Without one it is for something that was destroyed while the message was under way: its descriptors close here.
  if (recipient) recipient->on_message(std::move(message));
}

std::vector<std::shared_ptr<Recipient>> Connection::all_recipients() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Recipient>> all;
  for (auto& [address, recipient] : recipients_) all.push_back(recipient);
  return all;
}

void Connection::lose(const Error& why) {
  std::lock_guard delivering(deliver_mutex_);
  {
    std::lock_guard lock(mutex_);
    lost_because_ = {ErrorCode::kDisconnected, why.message};
    connected_ = false;
    for (auto& [request, pending] : pending_) {
      if (pending.done || (pending.again && why.code == ErrorCode::kDisconnected)) continue;
      pending.answer = why;  // for who asks now, the broker's own reason
      pending.done = true;
    }
    claims_.clear();
    answered_.notify_all();
  }
  for (auto& recipient : all_recipients()) recipient->on_disconnected();
}

// ---- the next broker -----------------------------------------------------------------------------------------------

bool Connection::reconnect() {
  {
    // Closed at once: a broker that lives and sent us away shall see that we are gone.
    std::lock_guard lock(send_mutex_);
    socket_.reset();
    std::erase_if(unsaid_, [](const Unsaid& message) { return !message.topic; });
  }
  const UniqueFd nothing;
  // A broker that ends each session as soon as it has begun is not to be asked without a pause.
  bool look_now = platform::now_ns() - greeted_ns_ > kLongestPauseNs;
  pause_ns_ = look_now ? kFirstPauseNs : std::max(pause_ns_, kFirstPauseNs);
  for (;; look_now = true) {
    // Anew each time: the folder may have been removed and made again.
    auto watch = platform::PathWatch::create(options_.socket_path);
    if (look_now && connect_again()) return true;
    // Woken by the new socket's name, and looking by ourselves for what makes no name: a service manager that keeps
    // the socket, a folder that is made later, and the moment between a socket's name and its listening.
    const std::int64_t until_ns = platform::now_ns() + pause_ns_;
    bool appeared = false;
    do {
      auto ready = platform::wait_readable(watch ? watch->fd() : nothing, wake_.consumer_end, until_ns);
      if (!ready || (ready->other && is_to_end())) return false;
      appeared = ready->socket && watch->drain();
    } while (!appeared && platform::now_ns() < until_ns);
    pause_ns_ = appeared ? kFirstPauseNs : std::min(2 * pause_ns_, kLongestPauseNs);
  }
}

bool Connection::connect_again() {
  auto socket = platform::connect_to(options_.socket_path);
  if (!socket) return false;
  {
    std::lock_guard lock(send_mutex_);
    socket_ = std::make_shared<const UniqueFd>(std::move(*socket));
  }
  if (greet()) return true;
  std::lock_guard lock(send_mutex_);
  socket_.reset();
  return false;
}

void Connection::resume() {
  std::lock_guard delivering(deliver_mutex_);
  // The broker takes messages in their order: whatever is asked from now on comes after the claims.
  for (auto& recipient : all_recipients()) recipient->on_reconnected();
  std::vector<std::shared_ptr<const Question>> again;
  {
    std::lock_guard lock(mutex_);
    connected_ = true;
    for (const auto& [request, pending] : pending_)
      if (pending.again && !pending.done) again.push_back(pending.again);
  }
  for (const auto& question : again) (void)send(question->bytes, question->fd_numbers(), patience_end_ns());
}

void Connection::claim(Address address, const Numbered& claim, std::span<const int> fds) {
  {
    std::lock_guard lock(mutex_);
    claims_.emplace(claim.request, address);
  }
  (void)send(claim.bytes, fds, patience_end_ns());
}

bool Connection::deliver_claim(Message& message) {
  std::lock_guard delivering(deliver_mutex_);
  std::shared_ptr<Recipient> recipient;
  {
    std::lock_guard lock(mutex_);
    const auto claim = claims_.find(message.envelope->request);
    if (claim == claims_.end()) return false;
    const auto found = recipients_.find(claim->second);
    if (found != recipients_.end()) recipient = found->second;
    claims_.erase(claim);
  }
  if (!recipient) return true;  // destroyed meanwhile: its Detach or CloseStream is under way
  auto& body = message.envelope->body;
  if (body.type == wire::Body::Refused)
    recipient->on_claim_answered(refusal(*body.AsRefused()));
  else
    recipient->on_claim_answered(std::move(message));
  return true;
}

void Connection::forget(Address address) {
  std::shared_ptr<Recipient> dropped;
  {
    std::lock_guard lock(mutex_);
    auto found = recipients_.find(address);
    if (found == recipients_.end()) return;
    dropped = std::move(found->second);
    recipients_.erase(found);
  }
  if (std::this_thread::get_id() != control_.get_id()) std::lock_guard wait_for_call(deliver_mutex_);
}

void Connection::forget_producer(proto::StreamId stream) { forget({false, raw(stream)}); }
void Connection::forget_consumer(proto::LeaseId lease) { forget({true, raw(lease)}); }

}  // namespace ferry::client
