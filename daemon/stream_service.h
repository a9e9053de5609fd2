#pragma once
// What clients ask of streams and leases: who may, within which limits. Each request answers itself when it succeeds;
// an Error that comes back is the Refused (or, kProtocolViolation, the end of the session).

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "daemon/config.h"
#include "daemon/gpu_pool.h"
#include "daemon/session.h"
#include "daemon/stream.h"

namespace ferry::daemon {

class StreamService {
 public:
  StreamService(const Limits& limits, const Policy& policy, GpuPool& gpus)
      : limits_(limits), policy_(policy), gpus_(gpus) {}

  // Producers: producer_requests.cpp.
  proto::Result<void> create_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                    platform::UniqueFd page_fd);
  proto::Result<void> reconfigure(Session& session, std::uint64_t request, const wire::ReconfigureT& asked);
  proto::Result<void> retire_generations(Session& session, const wire::GenerationsRetiredT& said);
  proto::Result<void> judge_starvation(Session& session, const wire::ReportStarvedT& said);
  proto::Result<void> close_stream(Session& session, std::uint64_t request, const wire::CloseStreamT& asked);

  // Consumers: consumer_requests.cpp.
  proto::Result<void> attach(Session& session, std::uint64_t request, std::unique_ptr<wire::AttachT> asked,
                             platform::UniqueFd page_fd);
  proto::Result<void> cancel_attach(Session& session, std::uint64_t request, const wire::CancelAttachT& asked);
  proto::Result<void> detach(Session& session, std::uint64_t request, const wire::DetachT& asked);

  /// Whether @p session produces or may view @p stream: nobody else is told of it.
  bool may_know(const Session& session, const Stream& stream) const;

  // Either.
  proto::Result<void> import_failed(Session& session, const wire::ImportFailedT& said);

  /// Ends what the session had. Nothing points to it afterwards.
  void end_session(Session& session);

  using Streams = std::map<proto::StreamId, std::unique_ptr<Stream>>;
  const Streams& streams() const { return streams_; }
  std::size_t lease_count() const;
  std::size_t waiting_count() const { return waiting_.size(); }

 private:
  /// An Attach that waits for its stream.
  struct Waiting {
    Session* session;
    std::uint64_t request;
    std::unique_ptr<wire::AttachT> asked;
    LeasePagePtr page;
  };

  /// Asks the policy and writes the answer down. kPermissionDenied.
  proto::Result<void> permit(Session& session, Action action, const std::string& stream,
                             const TrustDomain* producer = nullptr) const;
  Stream* find(proto::StreamId id) const;
  Stream* find(const std::string& name) const;
  /// kNotFound unless @p session produces the stream.
  proto::Result<Stream*> produced_by(const Session& session, std::uint64_t stream) const;
  proto::Result<Producer> check_producer(Session& session, const wire::CreateStreamT& asked, StreamPagePtr page) const;
  proto::Result<void> add_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                 Producer producer, const platform::TextureDesc& image);
  proto::Result<void> take_over(Stream& stream, Session& session, std::uint64_t request,
                                const wire::CreateStreamT& asked, Producer producer,
                                const platform::TextureDesc& image);
  /// The best way for @p producer and @p consumers.
  proto::Result<Agreement> agree(const Party& producer, const std::vector<const Party*>& consumers,
                                 const Demand& demand) const;
  /// The device that the agreement needs, if it needs one.
  proto::Result<std::shared_ptr<platform::VulkanDevice>> device_for(const Agreement& agreement, const std::string& who);
  /// Makes @p stream cross in a way that @p joining can use too: the one in use, or another in a new generation.
  proto::Result<void> accommodate(Stream& stream, const Party& joining, const LeaseNeed& need);
  /// Answers what waited for @p stream.
  void serve_waiting(Stream& stream);
  std::size_t waiting_count(const Session& session) const;
  proto::Result<void> attach_now(Stream& stream, Session& session, std::uint64_t request, const wire::AttachT& asked,
                                 LeasePagePtr page);
  void end_lease(Stream& stream, proto::LeaseId lease, wire::EndReason reason, const std::string& message);
  void abandon_stream(Stream& stream, const std::string& why);
  /// A stream without a producer goes with its last lease.
  void drop_if_unused(proto::StreamId id);

  const Limits& limits_;
  const Policy& policy_;
  GpuPool& gpus_;
  Streams streams_;
  std::map<std::string, proto::StreamId> names_;  ///< of streams that can be attached to
  std::list<Waiting> waiting_;
  std::uint64_t last_stream_ = 0, last_lease_ = 0;
};

/// "producer 'renderer' (pid 4211)".
std::string in_role(const char* role, const Session& session);

}  // namespace ferry::daemon
