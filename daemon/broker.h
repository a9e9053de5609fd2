#pragma once
// The loop's tenants: who connects, and who hears what a client says.

#include <boost/asio/io_context.hpp>
#include <list>
#include <map>
#include <memory>
#include <optional>

#include "daemon/allowances.h"
#include "daemon/config.h"
#include "daemon/fd_store.h"
#include "daemon/gpu_pool.h"
#include "daemon/session.h"
#include "daemon/status_report.h"
#include "daemon/stream_service.h"
#include "daemon/timer.h"
#include "platform/listener.h"

namespace ferry::daemon {

/// What the broker has for others.
struct Books {
  std::size_t sessions = 0, streams = 0, leases = 0, waiting_attachments = 0;
  std::uint64_t memory_bytes = 0;
  bool empty() const { return sessions + streams + leases + waiting_attachments + memory_bytes == 0; }
};

class Broker final : private SessionEvents {
 public:
  /// @p first_id: as StreamService has it. @p store: for the broker after it, if there is one.
  Broker(boost::asio::io_context& io, const Limits& limits, Policy policy, platform::Listener listener, GpuPool gpus,
         std::uint64_t first_id, std::unique_ptr<FdStore> store = nullptr);
  ~Broker() override;

  /// What the service manager has kept of the broker before: streams, as they were. Before start().
  void restore(std::vector<platform::PassedFd> kept);
  /// Accepts from now on.
  proto::Result<void> start();
  /// Says goodbye to everybody and takes everything out of the loop, which then runs out of work.
  void stop(const std::string& why);

  const GpuPool& gpus() const { return gpus_; }
  const std::string& socket_path() const { return listener_.path(); }
  Books books() const;

 private:
  proto::Result<void> watch_listener();
  void accept_all();
  void pause_accepting(const proto::Error& error);
  proto::Result<void> welcome(platform::UniqueFd connection);
  proto::Result<void> check_session_limits(const Process& process, const FdBin& bin) const;

  void on_message(Session& session, Message message) override;
  void on_session_ended(Session& session) override;
  void remove_session(proto::SessionId id);
  /// Keeps a process in sight that owes others something after its session.
  void linger(std::shared_ptr<Process> process);

  proto::Result<void> handle(Session& session, Message message);
  proto::Result<void> greet(Session& session, std::uint64_t request, const wire::HelloT& hello);
  proto::Result<void> send_status(Session& session, std::uint64_t request, const wire::QueryStatusT& asked);

  boost::asio::io_context& io_;
  const Limits limits_;
  const Policy policy_;
  platform::Listener listener_;
  std::optional<FdWatch> listener_watch_;
  std::unique_ptr<Timer> accept_again_;  // made in advance: it is for when there are no descriptors left
  GpuPool gpus_;
  Allowances allowances_;
  const std::int64_t started_ns_;
  const std::unique_ptr<FdStore> store_;
  std::uint64_t last_session_ = 0;
  std::list<std::shared_ptr<Process>> lingering_;
  StreamService service_;
  std::map<proto::SessionId, std::unique_ptr<Session>> sessions_;  // first to go: their ends are told to nobody then
};

}  // namespace ferry::daemon
