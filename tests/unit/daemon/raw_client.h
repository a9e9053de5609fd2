#pragma once
// A client that says what it is told to, and a process that lends it an identity.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ferry_generated.h"
#include "platform/message_socket.h"
#include "platform/shared_page.h"
#include "platform/vulkan/device.h"
#include "proto/codec.h"
#include "proto/frame_taker.h"
#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"
#include "proto/pages/verdict_page.h"

namespace ferry::daemon::test {

using FdSpan = std::span<const int>;

struct Received {
  std::unique_ptr<proto::Envelope> envelope;
  std::vector<platform::UniqueFd> fds;

  wire::Body type() const { return envelope->body.type; }
};

class RawClient {
 public:
  explicit RawClient(const std::string& socket_path);
  explicit RawClient(platform::UniqueFd connected) : socket_(std::move(connected)) {}

  void send_bytes(std::span<const std::byte> bytes, FdSpan fds = {});
  /// Returns the request's number.
  template <class Table>
  std::uint64_t send(Table table, FdSpan fds = {}) {
    send_bytes(proto::encode(++last_request_, std::move(table)), fds);
    return last_request_;
  }
  /// A message without a number, which no answer can come to.
  template <class Table>
  void tell(Table table) {
    send_bytes(proto::encode(0, std::move(table)));
  }
  /// Throws after five seconds, when the broker closes, and for descriptors that do not belong to the message.
  Received receive();
  /// The next message, which must be a @p Table; throws what came instead.
  template <class Table>
  std::pair<Table, Received> expect() {
    Received received = receive();
    auto* table = get<Table>(received);
    return {*table, std::move(received)};
  }
  /// The next message is Refused or Goodbye with this code; returns its text.
  std::string expect_refused(proto::ErrorCode code);
  std::string expect_goodbye(proto::ErrorCode code);
  /// No message comes for a while.
  bool quiet_for(std::chrono::milliseconds time);
  /// Throws when anything but the end comes.
  void expect_end();
  void close() { socket_.reset(); }
  /// Says Hello and takes the answer.
  wire::HelloReplyT greet(const std::string& application);

  const platform::UniqueFd& socket() const { return socket_; }

 private:
  template <class Table>
  Table* get(Received& received) {
    if (received.type() != wire::BodyUnionTraits<Table>::enum_value) fail_unexpected(received);
    return static_cast<Table*>(received.envelope->body.value);
  }
  [[noreturn]] void fail_unexpected(const Received& received);

  platform::UniqueFd socket_;
  std::uint64_t last_request_ = 0;
};

/// A process that connects, gives the connection to this one, and lives until it is killed.
class StandIn {
 public:
  enum class Home : std::uint8_t { kOurs, kUserNamespace };
  explicit StandIn(const std::string& socket_path, Home home = Home::kOurs);
  /// @p become: called in it before it connects, allocates nothing; false: it could not. @p socket_path: as it sees it then.
  StandIn(const std::string& socket_path, const std::function<bool()>& become);
  /// Whether this kernel lets a process make a user namespace.
  static bool can_be_shut_in();
  ~StandIn() { kill(); }
  StandIn(const StandIn&) = delete;
  StandIn& operator=(const StandIn&) = delete;

  pid_t pid() const { return pid_; }
  RawClient& client() { return *client_; }
  /// SIGKILL. The connection stays open in this process: only the kernel's word is left.
  void kill();

 private:
  pid_t pid_ = -1;
  std::unique_ptr<RawClient> client_;
};

wire::DeviceT device_of(const platform::DeviceCapabilities& capabilities);

/// A producer as far as the broker sees it: a stream that was created, and its page.
struct RawProducer {
  RawProducer(RawClient& session, const platform::DeviceCapabilities& device, std::string stream_name);
  /// What create() sends; to be changed before.
  wire::CreateStreamT request;
  /// @p slots: of request.own.
  void create(FdSpan slots = {});
  void send(FdSpan slots = {});
  void take_answer();
  /// Makes a frame the newest one.
  void publish(std::uint32_t generation, std::uint32_t slot, std::uint64_t acquire_point = 0);

  RawClient& client;
  platform::OwnedPage<proto::StreamPage> page;
  wire::StreamCreatedT created;
  std::vector<platform::UniqueFd> fds;
  platform::PeerPage<proto::VerdictPage> verdict;
  std::uint64_t next_sequence = 1;
};

struct RawConsumer {
  RawConsumer(RawClient& session, const platform::DeviceCapabilities& device, std::string stream_name);
  wire::AttachT request;
  /// Returns the request's number.
  std::uint64_t send();
  void take_answer();
  void attach() {
    send();
    take_answer();
  }
  void detach();

  RawClient& client;
  platform::OwnedPage<proto::LeasePage> page;
  wire::AttachedT attached;
  std::vector<platform::UniqueFd> fds;
  platform::PeerPage<proto::VerdictPage> verdict;
};

}  // namespace ferry::daemon::test
