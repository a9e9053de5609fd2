#include "client/src/connection.h"

#include <fmt/format.h>

#include <chrono>

#include "ferry/ferry.h"
#include "platform/clock.h"
#include "platform/thread_name.h"
#include "proto/limits.h"

namespace ferry::client {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

/// @p otherwise: what a code that this library does not know counts as.
ErrorCode known_code(std::int32_t code, ErrorCode otherwise) {
  return code <= -1 && code >= static_cast<std::int32_t>(ErrorCode::kInternal) ? static_cast<ErrorCode>(code) : otherwise;
}

Error refusal(const wire::RefusedT& refused) {
  Error error{known_code(refused.code, ErrorCode::kIncompatible), refused.message};
  if (refused.conflict)
    error.conflict = std::make_shared<const proto::Conflict>(proto::Conflict{
        refused.conflict->party, refused.conflict->constraint, refused.conflict->party_has, refused.conflict->others_have});
  return error;
}

Error farewell(const wire::GoodbyeT& goodbye) {
  return {known_code(goodbye.code, ErrorCode::kDisconnected), fmt::format("the broker ended the session: {}", goodbye.message)};
}

}  // namespace

Result<std::shared_ptr<Connection>> Connection::open(const Options& options) {
  auto socket = platform::connect_to(options.socket_path);
  if (!socket) return std::move(socket).error();
  auto stop = platform::create_channel();
  if (!stop) return std::move(stop).error();

  std::shared_ptr<Connection> connection(new Connection);
  connection->socket_ = std::move(*socket);
  connection->stop_ = std::move(*stop);
  connection->timeout_ns_ = options.timeout_ns;
  if (auto greeted = connection->greet(options); !greeted) return std::move(greeted).error();
  connection->connected_ = true;
  connection->control_ = std::thread([raw = connection.get()] { raw->run(); });
  return connection;
}

Connection::~Connection() {
  if (!control_.joinable()) return;
  platform::ring_channel(stop_.producer_end);
  control_.join();
}

Result<void> Connection::greet(const Options& options) {
  wire::HelloT hello;
  hello.protocol_min = proto::kProtocolVersionMin;
  hello.protocol_max = proto::kProtocolVersionMax;
  hello.library_version = ferry_version();
  hello.application = options.application;
  // A broker that refuses the session has said why before it closed: that is still there to be read.
  const auto sent = send(proto::encode(++last_request_, std::move(hello)), {});
  if (!sent && sent.error().code != ErrorCode::kDisconnected) return sent;

  const std::int64_t deadline_ns = platform::deadline_after(timeout_ns_);
  for (;;) {
    auto readable = platform::wait_readable(socket_, UniqueFd{}, deadline_ns);
    if (!readable) return std::move(readable).error();
    if (!readable->socket)
      return Error{ErrorCode::kTimeout, fmt::format("the broker at '{}' did not answer within {} ms", options.socket_path,
                                                    timeout_ns_ / 1'000'000)};
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
    hello_ = std::make_unique<wire::HelloReplyT>(reply);
    return {};
  }
}

Result<void> Connection::send(std::span<const std::byte> bytes, std::span<const int> fds) {
  std::lock_guard lock(send_mutex_);
  return platform::send_packet_before(socket_, bytes, fds, platform::deadline_after(timeout_ns_));
}

/// One message with the descriptors that belong to it; kWouldBlock when there is none yet.
Result<Message> Connection::receive() {
  auto packet = platform::receive_packet(socket_);
  if (!packet) return std::move(packet).error();
  if (packet->bytes.empty()) return Error{ErrorCode::kDisconnected, "the broker closed the connection"};
  auto envelope = proto::decode(packet->bytes);
  if (!envelope) return std::move(envelope).error();
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
  std::uint64_t request = 0;
  {
    std::lock_guard lock(mutex_);
    if (!connected()) return Error{ErrorCode::kDisconnected, lost_because_.message};
    request = ++last_request_;
    pending_[request].recipient = std::move(recipient);
  }
  if (auto sent = send(proto::encode(request, std::move(body)), fds); !sent) {
    std::lock_guard lock(mutex_);
    pending_.erase(request);
    return std::move(sent).error();
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
    auto readable = platform::wait_readable(socket_, stop_.consumer_end, -1);
    if (!readable) return lose(readable.error());
    if (readable->other) return;
    auto message = receive();
    if (!message) {
      if (message.error().code == ErrorCode::kWouldBlock) continue;
      return lose(message.error());
    }
    auto& body = (*message->envelope).body;
    if (body.type == wire::Body::Goodbye)
      return lose(farewell(*body.AsGoodbye()));
    if (message->envelope->request != 0)
      take_answer(std::move(*message));
    else
      deliver(std::move(*message));
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

void Connection::lose(const Error& why) {
  std::lock_guard delivering(deliver_mutex_);
  std::vector<std::shared_ptr<Recipient>> all;
  {
    std::lock_guard lock(mutex_);
    lost_because_ = {ErrorCode::kDisconnected, why.message};
    connected_ = false;
    for (auto& [request, pending] : pending_) {
      if (pending.done) continue;
      pending.answer = why;  // for who asks now, the broker's own reason
      pending.done = true;
    }
    for (auto& [address, recipient] : recipients_) all.push_back(recipient);
    answered_.notify_all();
  }
  for (auto& recipient : all) recipient->on_disconnected();
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
