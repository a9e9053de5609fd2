#pragma once
// One connection of one process. Checks what arrives, never waits for the peer.

#include <boost/asio/io_context.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/fd_watch.h"
#include "daemon/budget.h"
#include "daemon/outbox.h"
#include "daemon/process.h"
#include "daemon/timer.h"
#include "platform/message_socket.h"
#include "proto/codec.h"
#include "proto/ids.h"
#include "proto/session_state.h"

namespace ferry::daemon {

class Session;

/// A well-formed message, allowed in the session's state, with the descriptors that belong to it.
struct Message {
  std::unique_ptr<proto::Envelope> envelope;
  std::vector<platform::UniqueFd> fds;
};

/// How a session came to its end: what its leases' EndReason and the log say.
enum class SessionEnd : std::uint8_t {
  kPeerLeft,   ///< closed its socket, died, or reads nothing any more
  kViolation,  ///< broke the protocol
  kShutdown,   ///< the broker stops
};

class SessionEvents {
 public:
  virtual ~SessionEvents() = default;
  virtual void on_message(Session& session, Message message) = 0;
  /// From now on sending does nothing. The session may be on the stack: destroy it later.
  virtual void on_session_ended(Session& session) = 0;
};

class Session {
 public:
  /// Hangs up; what is left of the peer's goes to its user's bin.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  struct Setup {
    proto::SessionId id{};
    platform::UniqueFd socket;
    std::shared_ptr<Process> process;
    Allowance allowance;
  };
  static proto::Result<std::unique_ptr<Session>> start(boost::asio::io_context& io, Setup setup, const Limits& limits,
                                                       SessionEvents& events);

  proto::SessionId id() const { return setup_.id; }
  const std::shared_ptr<Process>& process() const { return setup_.process; }
  const Allowance& allowance() const { return setup_.allowance; }
  bool closed() const { return state_ == proto::SessionState::kClosed; }
  SessionEnd end_reason() const { return end_reason_; }

  /// What it calls itself, printable; "" before Hello and for those that do not say.
  const std::string& application() const { return application_; }
  void set_application(const std::string& name);
  /// "'renderer' (pid 4211)".
  std::string name() const;

  template <class Table>
  void send(std::uint64_t request, Table table, const FdList& fds = {}) {
    if (!closed()) send_bytes(proto::encode(request, std::move(table)), fds);
  }
  /// The answer Refused, if the client asked for one at all.
  void refuse(std::uint64_t request, const proto::Error& error);
  /// Says Goodbye, if the peer reads, and ends.
  void fail(const proto::Error& error, SessionEnd reason = SessionEnd::kViolation);
  /// Ends without a word.
  void end(const std::string& why, SessionEnd reason);

  /// Permissions refused so far: what audit() counts.
  std::uint64_t refusals = 0;

  /// What the session has; kept by the stream service.
  struct Holdings {
    std::set<proto::StreamId> streams;  ///< that it produces
    std::map<proto::LeaseId, proto::StreamId> leases;
  } holdings;

 private:
  Session(Setup setup, const Limits& limits, SessionEvents& events);
  void on_readable();
  /// False when there is nothing more to read now.
  bool receive_one();
  void take_packet(std::span<const std::byte> bytes, std::vector<platform::UniqueFd> fds);
  proto::Result<std::unique_ptr<proto::Envelope>> check_packet(std::span<const std::byte> bytes,
                                                               std::span<const platform::UniqueFd> fds) const;
  void send_bytes(std::vector<std::byte> bytes, const FdList& fds);
  void flush();
  void await_room();

  Setup setup_;
  SessionEvents& events_;
  std::optional<FdWatch> watch_;              // after setup_, whose socket it borrows
  std::unique_ptr<Timer> greeting_deadline_;  // until Hello
  bool awaits_room_ = false;
  proto::SessionState state_ = proto::SessionState::kGreeting;
  SessionEnd end_reason_ = SessionEnd::kPeerLeft;
  std::string application_;
  Outbox outbox_;  // after setup_, whose allowance pays
};

}  // namespace ferry::daemon
