#pragma once
// A session with the broker: questions and answers for any thread, and one control thread that hands what the broker
// says unasked to the producer or consumer it is for.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "platform/message_socket.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/result.h"

namespace ferry::client {

struct Message {
  std::unique_ptr<proto::Envelope> envelope;
  std::vector<platform::UniqueFd> fds;  ///< exactly as many as descriptor_count() says
};

/// Who gets the messages of one stream (as its producer) or one lease. Called on the control thread only.
class Recipient {
 public:
  virtual ~Recipient() = default;
  virtual void on_message(Message message) = 0;
  virtual void on_disconnected() = 0;
};

class Connection {
 public:
  struct Options {
    std::string socket_path;
    std::string application;
    std::int64_t timeout_ns;  ///< for each question
  };
  static proto::Result<std::shared_ptr<Connection>> open(const Options& options);
  ~Connection();

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Asks and waits. A Refused comes back as its Error; any other answer than @p expected is kProtocolViolation.
  /// @p recipient, if given, gets every message for the stream (StreamCreated) or lease (Attached) from the moment of
  /// the answer on, so that nothing the broker says right after it is lost. On kTimeout an answer that still comes is
  /// undone (a late Attached is detached).
  proto::Result<Message> ask(wire::BodyUnion body, std::span<const int> fds, wire::Body expected, std::int64_t timeout_ns,
                             std::shared_ptr<Recipient> recipient = nullptr);
  template <class Table>
  proto::Result<Message> ask(Table table, std::span<const int> fds, wire::Body expected,
                             std::shared_ptr<Recipient> recipient = nullptr) {
    wire::BodyUnion body;
    body.Set(std::move(table));
    return ask(std::move(body), fds, expected, timeout_ns_, std::move(recipient));
  }

  /// Says something that has no answer. Never blocks for long; a lost broker is not an error here.
  template <class Table>
  void tell(Table table) {
    (void)send(proto::encode(0, std::move(table)), {});
  }

  /// After this no call to the recipient is running or will come, unless it is called on the control thread itself.
  void forget_producer(proto::StreamId stream);
  void forget_consumer(proto::LeaseId lease);

  bool connected() const { return connected_.load(std::memory_order_relaxed); }
  std::int64_t timeout_ns() const { return timeout_ns_; }
  const wire::HelloReplyT& broker() const { return *hello_; }

  /// Producers and consumers that use this connection: it may not be closed before they are.
  std::atomic<int> users{0};

 private:
  struct Pending {
    std::shared_ptr<Recipient> recipient;
    bool done = false;
    proto::Result<Message> answer{proto::Error{}};
  };
  /// Whom a message is for: a producer by its stream, a consumer by its lease.
  struct Address {
    bool is_lease;
    std::uint64_t id;
    auto operator<=>(const Address&) const = default;
  };

  Connection() = default;
  proto::Result<void> greet(const Options& options);
  proto::Result<void> send(std::span<const std::byte> bytes, std::span<const int> fds);
  proto::Result<Message> receive();
  void run();
  void take_answer(Message message);
  void deliver(Message message);
  void lose(const proto::Error& why);
  void forget(Address address);
  static Address address_of(const proto::Envelope& envelope);

  platform::UniqueFd socket_;
  platform::ChannelPair stop_;  // rung once, to end the control thread
  std::int64_t timeout_ns_ = 0;
  std::unique_ptr<wire::HelloReplyT> hello_;
  std::atomic<bool> connected_{false};

  std::mutex send_mutex_;

  std::mutex mutex_;  // everything below
  std::condition_variable answered_;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::map<Address, std::shared_ptr<Recipient>> recipients_;
  proto::Error lost_because_;

  std::mutex deliver_mutex_;  // held while a recipient is being called
  std::thread control_;
};

}  // namespace ferry::client
