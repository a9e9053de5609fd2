#pragma once
// A session with the broker: questions and answers for any thread, and one control thread that hands what the broker
// says unasked to the producer or consumer it is for. When the broker goes, that thread looks for the next one.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "platform/message_socket.h"
#include "platform/socket_room.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/pages/page.h"
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
  /// Another broker is there: hand back and claim (Connection::hand_back, claim) what the one before gave out.
  virtual void on_reconnected() = 0;
  /// The answer to its claim; a Refused comes as its Error.
  virtual void on_claim_answered(proto::Result<Message> answer) = 0;
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
    return ask(std::move(body), fds, expected, options_.timeout_ns, std::move(recipient));
  }

  /// Says something that has no answer, and never waits: what a broker that stands still has no room for is said as soon as
  /// it has. A lost broker is not an error here.
  template <class Table>
  void tell(Table table) {
    say({std::nullopt, proto::encode(0, std::move(table))});
  }
  /// The same for what is true until the next one of its kind about @p stream: it takes the place of one that is not said
  /// yet. Without a broker it is for the next one, after the claims.
  template <class Table>
  void tell_newest(proto::StreamId stream, Table table) {
    constexpr wire::Body kind = wire::BodyUnionTraits<Table>::enum_value;
    say({Topic{kind, raw(stream)}, proto::encode(0, std::move(table))});
  }

  // For on_reconnected() only. A broker that is lost again asks again.
  template <class Table>
  void hand_back(Table table, std::span<const int> fds) {
    (void)send(proto::encode(0, std::move(table)), fds, patience_end_ns());
  }
  template <class Table>
  void claim(proto::StreamId producer_of, Table table, std::span<const int> fds) {
    claim({false, raw(producer_of)}, number(std::move(table)), fds);
  }
  template <class Table>
  void claim(proto::LeaseId consumer_of, Table table, std::span<const int> fds) {
    claim({true, raw(consumer_of)}, number(std::move(table)), fds);
  }

  /// After this no call to the recipient is running or will come, unless it is called on the control thread itself.
  void forget_producer(proto::StreamId stream);
  void forget_consumer(proto::LeaseId lease);

  bool connected() const { return connected_.load(std::memory_order_relaxed); }
  std::int64_t timeout_ns() const { return options_.timeout_ns; }
  /// What the broker said of itself; the last one, while there is none.
  std::shared_ptr<const wire::HelloReplyT> broker() const;
  /// This process marked as the writer of @p writer's page.
  void sign(proto::PageWriter& writer) const;

  /// Producers and consumers that use this connection: it may not be closed before they are.
  std::atomic<int> users{0};

 private:
  /// Whom a message is for: a producer by its stream, a consumer by its lease.
  struct Address {
    bool is_lease;
    std::uint64_t id;
    auto operator<=>(const Address&) const = default;
  };
  /// What a broker that is lost would have answered: the next one is asked.
  struct Question {
    static std::shared_ptr<const Question> keep(const std::vector<std::byte>& bytes, std::span<const int> fds);
    std::vector<int> fd_numbers() const;
    std::vector<std::byte> bytes;
    std::vector<platform::UniqueFd> fds;
  };
  struct Pending {
    std::shared_ptr<Recipient> recipient;
    std::shared_ptr<const Question> again;  ///< of an Attach that waits
    bool done = false;
    proto::Result<Message> answer{proto::Error{}};
  };

  using Topic = std::pair<wire::Body, std::uint64_t>;
  struct Unsaid {
    std::optional<Topic> topic;
    std::vector<std::byte> bytes;
  };

  explicit Connection(Options options) : options_(std::move(options)) {}
  proto::Result<void> greet();
  /// Of a question that says no other.
  std::int64_t patience_end_ns() const;
  /// Waits for room until @p deadline_ns (negative: for ever), then kTimeout.
  proto::Result<void> send(std::span<const std::byte> bytes, std::span<const int> fds, std::int64_t deadline_ns);
  void say(Unsaid message);
  void keep(Unsaid message);
  /// What a broker has not heard, as far as there is room. kSent: nothing is left that this broker may hear now.
  proto::Result<platform::SendStatus> say_unsaid();
  bool has_unsaid();
  proto::Result<Message> receive();
  void run();
  /// Until the session ends: why, or nothing when this connection is to end.
  std::optional<proto::Error> serve();
  proto::Result<platform::ReadableOrRoom> wait_for_work();
  /// What the control thread was woken for, if not for what is unsaid.
  bool is_to_end();
  void take_answer(Message message);
  void deliver(Message message);
  void lose(const proto::Error& why);
  /// False when this connection is to end.
  bool reconnect();
  bool connect_again();
  void resume();
  std::vector<std::shared_ptr<Recipient>> all_recipients();
  void forget(Address address);

  struct Numbered {
    std::uint64_t request;
    std::vector<std::byte> bytes;
  };
  template <class Table>
  Numbered number(Table table) {
    std::lock_guard lock(mutex_);
    const std::uint64_t request = ++last_request_;
    return {request, proto::encode(request, std::move(table))};
  }
  void claim(Address address, const Numbered& claim, std::span<const int> fds);
  bool deliver_claim(Message& message);
  static Address address_of(const proto::Envelope& envelope);

  const Options options_;
  // Exchanged by the control thread, with send_mutex_ held. Shared with those who wait for room without it.
  std::shared_ptr<const platform::UniqueFd> socket_;
  platform::ChannelPair wake_;  // rung for the control thread
  std::atomic<bool> ending_{false};
  std::atomic<bool> connected_{false};
  // The control thread's, once that runs.
  std::int64_t greeted_ns_ = 0;  // when the last session began
  std::int64_t pause_ns_ = 0;    // before the next look for a broker

  std::mutex send_mutex_;  // never held by who waits for the broker
  std::deque<Unsaid> unsaid_;

  mutable std::mutex mutex_;  // everything below
  std::shared_ptr<const wire::HelloReplyT> hello_;
  std::condition_variable answered_;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, Pending> pending_;
  std::map<std::uint64_t, Address> claims_;  // that have no answer yet
  std::map<Address, std::shared_ptr<Recipient>> recipients_;
  proto::Error lost_because_;

  std::mutex deliver_mutex_;  // held while a recipient is being called
  std::thread control_;
};

}  // namespace ferry::client
