#pragma once
// What clients ask of streams and leases: who may, within which limits. Each request answers itself when it succeeds;
// an Error that comes back is the Refused (or, kProtocolViolation, the end of the session).

#include <boost/asio/io_context.hpp>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/config.h"
#include "daemon/gpu_pool.h"
#include "daemon/handed_back_parts.h"
#include "daemon/kept_parts.h"
#include "daemon/session.h"
#include "daemon/stream.h"
#include "daemon/timer.h"

namespace ferry::daemon {

class StreamService {
 public:
  /// @p first_id: every id of this broker is higher, and every id of the brokers before it is not. @p store: where its
  /// streams are kept for the broker after it; may be null.
  StreamService(boost::asio::io_context& io, const Limits& limits, const Policy& policy, GpuPool& gpus,
                std::uint64_t first_id, FdStore* store = nullptr)
      : io_(io),
        limits_(limits),
        policy_(policy),
        gpus_(gpus),
        first_id_(first_id),
        store_(store),
        last_stream_(first_id),
        last_lease_(first_id) {}

  // Producers: producer_requests.cpp.
  proto::Result<void> create_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                    std::vector<platform::UniqueFd> fds);
  proto::Result<void> reconfigure(Session& session, std::uint64_t request, const wire::ReconfigureT& asked,
                                  std::vector<platform::UniqueFd> fds);
  proto::Result<void> retire_generations(Session& session, const wire::GenerationsRetiredT& said);
  proto::Result<void> judge_starvation(Session& session, const wire::ReportStarvedT& said);
  proto::Result<void> close_stream(Session& session, std::uint64_t request, const wire::CloseStreamT& asked);

  // Consumers: consumer_requests.cpp.
  proto::Result<void> attach(Session& session, std::uint64_t request, const wire::AttachT& asked,
                             platform::UniqueFd page_fd);
  proto::Result<void> cancel_attach(Session& session, std::uint64_t request, const wire::CancelAttachT& asked);
  proto::Result<void> detach(Session& session, std::uint64_t request, const wire::DetachT& asked);

  // What an earlier broker gave out: reclaim_*.cpp.
  proto::Result<void> hand_back_generation(Session& session, std::unique_ptr<wire::HandBackGenerationT> part,
                                           std::vector<platform::UniqueFd> fds);
  proto::Result<void> hand_back_lease(Session& session, const wire::HandBackLeaseT& part,
                                      std::vector<platform::UniqueFd> fds);
  proto::Result<void> reclaim_stream(Session& session, std::uint64_t request, const wire::ReclaimStreamT& claim,
                                     platform::UniqueFd page_fd);
  proto::Result<void> reclaim_lease(Session& session, std::uint64_t request, std::unique_ptr<wire::ReclaimLeaseT> asked,
                                    std::vector<platform::UniqueFd> fds);

  /// What a trust domain may have.
  using AllowanceOf = std::function<Allowance(const TrustDomain&)>;
  /// Stream @p id as the service manager has kept it: restore_kept.cpp.
  proto::Result<void> restore_kept(proto::StreamId id, KeptParts kept, const AllowanceOf& allowance_of);

  /// Whether @p session produces or may view @p stream: nobody else is told of it.
  bool may_know(const Session& session, const Stream& stream) const;

  // Either.
  proto::Result<void> import_failed(Session& session, const wire::ImportFailedT& said);

  /// Ends what the session had. Nothing points to it afterwards.
  void end_session(Session& session);

  using Streams = std::map<proto::StreamId, std::unique_ptr<Stream>>;
  const Streams& streams() const { return streams_; }
  std::size_t lease_count() const;
  std::size_t waiting_count() const { return waiting_.size() + waiting_claims_.size() + parts_.size(); }

 private:
  /// What an Attach asks for, without what else its sender said.
  struct Wish {
    std::string stream;
    LeaseNeed need;
    Party party;
    Reservation memory;
    LeasePagePtr page;
  };
  /// An Attach that waits for its stream.
  struct Waiting {
    Session* session;
    std::uint64_t request;
    Wish wish;
    bool for_ever;  ///< until there is one, or it is given up; else until it is clear that there is none
  };

  /// A ReclaimLease, checked as far as it can be alone.
  struct LeaseClaim {
    Session* session;
    std::uint64_t request;
    std::unique_ptr<wire::ReclaimLeaseT> asked;  ///< without its device
    Party party;
    Reservation memory;
    LeaseNeed need;
    LeasePagePtr page;
    StreamPagePtr stream_page;
    platform::UniqueFd release_timeline;  ///< invalid without one
    std::int64_t since_ns;
  };
  /// With the way that the newest of them crosses.
  struct RestoredGenerations {
    Stream::Generations generations;
    Agreement agreement;
    std::shared_ptr<platform::VulkanDevice> device;
    std::uint32_t newest = 0;
    void take_way(Agreement way, std::shared_ptr<platform::VulkanDevice> on, std::uint32_t id) {
      if (id < newest) return;
      agreement = std::move(way);
      device = std::move(on);
      newest = id;
    }
  };
  HandedBackParts& parts_of(Session& session, std::uint64_t stream);
  HandedBackParts take_parts(Session& session, std::uint64_t stream);
  proto::Result<Agreement> agree_as_it_is(const wire::GenerationT& info, const platform::TextureDesc& image,
                                          const Party& party) const;
  proto::Result<void> restore_generation(HandedBackParts::GenerationPart& part, const Party& party,
                                         const Allowance& allowance, const std::string& stream,
                                         RestoredGenerations& restored);
  proto::Result<void> resume_generation(Generation& own, const Party& party, const Allowance& allowance,
                                        const std::string& stream, RestoredGenerations& restored);
  /// @p known: the stream as this broker has it, if it does.
  proto::Result<RestoredGenerations> restore_generations(HandedBackParts& parts, const Party& party,
                                                         const Allowance& allowance, const std::string& stream,
                                                         const Stream* known = nullptr);
  proto::Result<void> check_earlier_stream(std::uint64_t id) const;
  proto::Result<void> check_is_awaited(const Stream* stream, Session& session, const std::string& name,
                                       const platform::UniqueFd& page);
  proto::Result<Stream*> restore_stream(const TrustDomain& domain, proto::StreamId id, const std::string& name,
                                        Producer producer, RestoredGenerations generations, const Past& past);
  void expect_leases(Stream& stream, std::vector<HandedBackParts::LeasePart> parts);
  HandedBackParts to_parts(KeptParts& kept, const Allowance& allowance) const;
  proto::Result<std::shared_ptr<Process>> may_restore(const LeaseClaim& claim) const;
  proto::Result<Stream*> restore_for(const LeaseClaim& claim, HandedBackParts parts, std::shared_ptr<Process> process);
  proto::Result<void> settle(LeaseClaim& claim, Stream& stream);
  void settle_waiting_claims(Stream& stream);
  proto::Result<std::shared_ptr<Process>> writer_of(const platform::UniqueFd& page, const proto::PageWriter& writer) const;
  proto::Result<void> await_absent();
  void give_up_absent();
  void await_departure(const std::shared_ptr<Process>& process);
  std::int64_t grace_ns() const { return static_cast<std::int64_t>(limits_.reclaim_grace_ms) * 1'000'000; }

  /// Asks the policy and writes the answer down. kPermissionDenied.
  proto::Result<void> permit(Session& session, Action action, const std::string& stream,
                             const TrustDomain* producer = nullptr) const;
  Stream* find(proto::StreamId id) const;
  Stream* find(const std::string& name) const;
  /// kNotFound unless @p session produces the stream.
  proto::Result<Stream*> produced_by(const Session& session, std::uint64_t stream) const;
  proto::Result<Producer> check_producer(Session& session, const wire::CreateStreamT& asked, StreamPagePtr page) const;
  proto::Result<void> add_stream(Session& session, std::uint64_t request, const wire::CreateStreamT& asked,
                                 Producer producer, const platform::TextureDesc& image, const OwnSlots* own);
  proto::Result<void> take_over(Stream& stream, Session& session, std::uint64_t request,
                                const wire::CreateStreamT& asked, Producer producer,
                                const platform::TextureDesc& image, const OwnSlots* own);
  /// The best way for @p producer and @p consumers.
  proto::Result<Agreement> agree(const Party& producer, const std::vector<const Party*>& consumers,
                                 const Demand& demand, const platform::TextureDesc& image) const;
  /// For the parties of @p stream when its image changes: the way in use, if that is possible. @p own_modifier: of the slots that
  /// the producer brings for it.
  proto::Result<Agreement> agree_on(const Stream& stream, const platform::TextureDesc& image,
                                    const std::vector<Excluded>& excluded,
                                    std::optional<std::uint64_t> own_modifier) const;
  /// Takes the way that @p choose finds best and has @p allocate try it. One in which nothing can be allocated is left out
  /// the next time. When nothing is left: the first failure's code, and all reasons. @p who: whose device it is.
  using Choose = std::function<proto::Result<Agreement>(const std::vector<Excluded>&)>;
  using Allocate = std::function<proto::Result<void>(const Agreement&, std::shared_ptr<platform::VulkanDevice>)>;
  proto::Result<void> allocate_best(const std::string& who, const Choose& choose, const Allocate& allocate);
  /// The device that the agreement needs, if it needs one.
  proto::Result<std::shared_ptr<platform::VulkanDevice>> device_for(const Agreement& agreement, const std::string& who);
  /// Makes @p stream cross in a way that @p joining can use too: the one in use, or another in a new generation.
  proto::Result<void> accommodate(Stream& stream, const Party& joining, const LeaseNeed& need);
  /// Whether @p joining, of another trust domain, can use the way in use: none is chosen for it. kIncompatible, with both lists.
  proto::Result<void> check_fits(const Stream& stream, const Party& joining) const;
  // device_loss.cpp
  /// Tries again when it is the loss of device @p key that makes @p attempt fail.
  proto::Result<void> in_spite_of_loss(const DeviceKey& key, const std::function<proto::Result<void>()>& attempt);
  /// A device object is lost: its streams are poisoned, and go on with another one. False when there is none.
  bool replace_device(const DeviceKey& key, const std::string& why);
  void grow_pool(Stream& stream);
  /// Answers what waited for @p stream.
  void serve_waiting(Stream& stream);
  std::size_t waiting_count(const Session& session) const;
  proto::Result<void> attach_now(Stream& stream, Session& session, std::uint64_t request, Wish wish);
  void end_lease(Stream& stream, proto::LeaseId lease, wire::EndReason reason, const std::string& message,
                 const proto::Conflict* conflict = nullptr);
  void abandon_stream(Stream& stream, const std::string& why);
  /// Of a stream without a producer: when the kernel says that the last one is gone.
  void orphan_when_gone(Stream& stream);
  /// A stream without a producer, and none that is expected, goes with its last lease.
  void drop_if_unused(proto::StreamId id);

  boost::asio::io_context& io_;
  const Limits& limits_;
  const Policy& policy_;
  GpuPool& gpus_;
  const std::uint64_t first_id_;
  FdStore* const store_;
  Streams streams_;
  std::map<std::string, proto::StreamId> names_;  ///< of streams that can be attached to
  std::list<Waiting> waiting_;
  std::uint64_t last_stream_, last_lease_;
  std::map<const Session*, HandedBackParts> parts_;
  std::list<LeaseClaim> waiting_claims_;           ///< for streams that nobody has handed back yet
  std::list<std::shared_ptr<Process>> departing_;  ///< of leases given up: they owe something until they are gone
  std::unique_ptr<Timer> grace_;
  bool grace_armed_ = false;
};

/// What a consumer may declare, checked.
proto::Result<LeaseNeed> check_need(const std::string& stream, wire::ConsumerMode mode, std::uint32_t max_holds,
                                    std::uint32_t queue_depth);

/// "producer 'renderer' (pid 4211)".
std::string in_role(const char* role, const Session& session);

}  // namespace ferry::daemon
