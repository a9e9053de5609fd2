#pragma once
// One named source of frames: its generations, its leases, its producer, and the verdict page that tells them of each
// other. All of it happens on the loop; none of it on the path of a frame.

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/generation.h"
#include "daemon/kept_stream.h"
#include "daemon/lease.h"
#include "daemon/negotiation.h"
#include "daemon/policy.h"
#include "platform/fence_channel.h"
#include "platform/message_socket.h"
#include "proto/pages/stream_page.h"
#include "proto/pages/verdict_page.h"
#include "proto/slot_chooser.h"

namespace ferry::daemon {

/// A producer and what it asked for.
struct Producer {
  Session* session = nullptr;  ///< nullptr: it said goodbye to us or died; a living process may still publish
  std::shared_ptr<Process> process;
  std::string application;
  Party party;
  Demand demand;
  StreamPagePtr page;
  Allowance allowance;
  proto::QueuePolicy queue_policy{};
  std::uint32_t frames_in_flight = 0;
  std::uint32_t min_slots = 0;
  /// The first frame whose GPU work died with its process; 0: none that is known. Shared with who finds out.
  std::shared_ptr<std::uint64_t> first_unfinished = std::make_shared<std::uint64_t>(0);
};

/// What an earlier broker had given out when it went, so that no number is used again.
struct Past {
  proto::GenerationId newest_generation{};
  std::uint32_t producers = 1;
  std::uint64_t next_sequence = 1;
};

class Stream {
 public:
  struct Setup {
    proto::StreamId id{};
    std::string name;
    TrustDomain domain;  ///< of its producers: another domain never takes it over
    Agreement agreement;
    std::shared_ptr<platform::VulkanDevice> device;  ///< nullptr where the transport needs none
    Producer producer;
    std::uint32_t max_slots = 0;
    FdStore* store = nullptr;  ///< where the next broker finds it; nullptr: nowhere
  };
  /// With its first generation, of @p image. Nobody is told yet. @p own, here and below: the slots of an agreement that says
  /// that the producer brings them, else nullptr.
  static proto::Result<std::unique_ptr<Stream>> create(Setup setup, const platform::TextureDesc& image,
                                                       const OwnSlots* own = nullptr);

  using Generations = std::vector<std::unique_ptr<Generation>>;
  /// As an earlier broker had it. @p generations: oldest first, at least one.
  static proto::Result<std::unique_ptr<Stream>> restore(Setup setup, Generations generations, const Past& past);

  proto::StreamId id() const { return setup_.id; }
  const std::string& name() const { return setup_.name; }  ///< as it crossed; log_name() for people
  std::string log_name() const;                            ///< "'cam'", printable
  const TrustDomain& domain() const { return setup_.domain; }
  const Agreement& agreement() const { return setup_.agreement; }
  const Producer& producer() const { return setup_.producer; }
  /// A consumer of another trust domain, or one without fences that slots of the producer's own were not changed for, waits for no
  /// GPU but its own.
  wire::SyncMode sync_of(const Lease& lease) const;
  std::string sync_reason_of(const Lease& lease) const;
  /// Every lease could change over to sync mode sync-fd.
  bool leases_have_channels() const;
  Party& producer_party() { return setup_.producer.party; }
  bool has_producer() const { return setup_.producer.session != nullptr; }
  proto::StreamState state() const { return state_; }
  const Generation& newest_generation() const { return *generations_.back(); }
  const std::vector<std::unique_ptr<Generation>>& generations() const { return generations_; }
  const std::vector<std::unique_ptr<Lease>>& leases() const { return leases_; }
  platform::VulkanDevice* device() const { return setup_.device.get(); }
  const std::string& device_name() const { return setup_.producer.party.device_name; }
  /// Of every lease of which it is known and which has a say in how frames cross.
  std::vector<const Party*> consumers() const;
  const platform::Uuid& device_uuid() const { return setup_.producer.party.device.device_uuid; }
  /// What its leases may hold at once, and what producing needs beside it: with fewer slots somebody may starve.
  std::uint32_t slots_required() const { return slots_required(producer().frames_in_flight, true); }
  std::uint64_t memory_bytes() const;
  /// Expires with the stream.
  std::weak_ptr<const void> life() const { return life_; }
  proto::StreamPageReader frames() const { return proto::StreamPageReader(setup_.producer.page->page()); }
  std::uint64_t first_sequence() const { return first_sequence_; }
  Lease* find_lease(proto::LeaseId id) const;

  /// Another image, in a generation that starts now and crosses by @p agreement. On error the stream stays as it was. The
  /// caller announces it.
  proto::Result<void> reconfigure(const platform::TextureDesc& image, Agreement agreement,
                                  std::shared_ptr<platform::VulkanDevice> device, const OwnSlots* own = nullptr);
  /// What later generations have to be for somebody who joins: the way in use, with less choice.
  void narrow(Agreement agreement) { setup_.agreement.modifiers = std::move(agreement.modifiers); }
  /// Frames cross by @p agreement from a generation on that starts now, with room for @p joining (nullptr: nobody new).
  /// Who is concerned is told; the producer moves over when it draws next. On error the stream stays as it was.
  proto::Result<void> change_way(Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
                                 const LeaseNeed* joining, std::string reason);
  /// The same in slots that the broker has allocated itself.
  proto::Result<void> renew(const LeaseNeed* joining, std::string reason);
  /// More slots if its leases want them and the limits have them; who is concerned is told. Where there is no room for
  /// them the stream keeps what it has; an error is a lost device.
  proto::Result<void> grow_pool();

  // stream_device_loss.cpp.
  /// Its device is lost: what was made on it cannot be waited for any more, and nothing new can be made.
  void poison(const std::string& message);
  /// Away from a lost device: everybody is told, and the next generation comes from @p device.
  proto::Result<void> move_to(std::shared_ptr<platform::VulkanDevice> device);

  /// The newest generation, to the producer as the answer to @p request (0: unasked) and to every consumer.
  void announce_generation(std::uint64_t request);
  /// The producer will not write generations before @p newest again.
  void retire_generations(proto::GenerationId newest);

  void answer_create(std::uint64_t request);
  /// Takes @p lease in: alive in the verdict page, its consumer answered, the producer told. kLimitExceeded when
  /// @p max_leases are there.
  proto::Result<Lease*> admit(std::unique_ptr<Lease> lease, std::uint64_t request, std::uint64_t max_leases);
  /// Ends a lease, also for its session. Its consumer is told when it was not its own wish, with the @p conflict if that is why.
  void retire(proto::LeaseId id, wire::EndReason reason, const std::string& message,
              const proto::Conflict* conflict = nullptr);

  /// Another producer for an abandoned stream: same leases, next generation, which crosses by @p agreement. On error
  /// nothing has changed.
  proto::Result<void> take_over(Producer producer, Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
                                const platform::TextureDesc& image, std::uint64_t request, const OwnSlots* own = nullptr);
  const Generation* find_generation(proto::GenerationId id) const;

  // What clients hand back: stream_restore.cpp.
  /// Somebody else pays for its slots: the producer, who brings the same ones.
  void stop_paying();
  /// The producer of a stream that its consumers, or the service manager, brought back comes, too. @p handed_back: what
  /// it draws into and this broker does not have from brokers. @p oldest: that it has not retired.
  void rejoin(Producer producer, Agreement agreement, std::shared_ptr<platform::VulkanDevice> device,
              Generations handed_back, proto::GenerationId oldest, const Past& past);
  /// That this or an earlier broker allocated, and no client had in between; nullptr if there is none.
  Generation* find_own_generation(proto::GenerationId id) const;
  /// Gives the next broker what it needs of the stream and its generations.
  void keep();
  /// The stream has ended: the next broker is not to find it.
  void forget() { kept_.forget_all(); }
  /// A lease that the producer reckons with. kInvalidArgument when its place is another's.
  proto::Result<void> expect(AbsentLease lease);
  void answer_reclaim(std::uint64_t request);
  /// After answer_reclaim(): what the producer, who knows no generation after @p newest_known, and the consumers were not
  /// told by the broker before.
  void make_up(proto::GenerationId newest_known);
  /// @p lease is claimed by its consumer: the answer to @p request. kEvicted when it was given up; nullptr when it came back and
  /// ended at once.
  proto::Result<Lease*> readmit(std::unique_ptr<Lease> lease, std::uint64_t request);
  /// Ends a lease that nobody claimed.
  void give_up(proto::LeaseId id, const std::string& why);
  const std::vector<AbsentLease>& absent() const { return absent_; }
  /// It is absent, or was until it was given up.
  bool knew(proto::LeaseId id) const;
  /// A consumer has brought it back, and the others are expected: until then nobody else may take it over if its producer
  /// lives, and newcomers wait, because only those who were here before know which places they have. 0: it is settled.
  std::int64_t expects_others_until_ns = 0;
  /// The service manager brought it back, with every lease: newcomers need not wait.
  bool knows_places = false;
  bool being_restored = false;  ///< more of it comes: it does not end yet

  /// The producer's session is over without CloseStream. What it promised will be kept for it.
  void abandon();
  /// The kernel says that the producer is gone: nobody publishes, nobody overwrites.
  void declare_orphaned(const std::string& message);
  /// Its producer's wish. The leases keep the last frame until they detach.
  void close();

 private:
  explicit Stream(Setup setup, platform::OwnedPage<proto::VerdictPage> verdict)
      : setup_(std::move(setup)), verdict_(std::move(verdict)), kept_(setup_.store, setup_.id) {}

  proto::Result<std::unique_ptr<Generation>> make_generation(const Producer& producer, const Agreement& agreement,
                                                             platform::VulkanDevice* device,
                                                             const platform::TextureDesc& image,
                                                             std::uint32_t slot_count, std::string reason,
                                                             const OwnSlots* own = nullptr);
  /// By the way that is in use.
  proto::Result<std::unique_ptr<Generation>> make_generation(const platform::TextureDesc& image,
                                                             std::uint32_t slot_count, std::string reason);
  void add_generation(std::unique_ptr<Generation> generation);
  void drop_generation(std::size_t position);
  void drop_surplus_generations();
  /// Ends the leases of other trust domains that cannot go the way of the newest generation.
  void end_misfits();
  const Generation* generation_on_show() const;
  /// Without @p strangers: what the pool is made for.
  std::uint32_t slots_required(std::uint32_t frames_in_flight, bool strangers) const;
  std::uint32_t free_index() const;

  void remember_acquire_points();
  void remember_release_points(const Lease& lease);
  void send_generation(const Generation& generation, const Lease& to);
  void send_generation_to_producer(const Generation& generation, std::uint64_t request);
  /// What a producer and a consumer tell each other by.
  struct Channels {
    platform::ChannelPair bell;
    platform::FenceChannelPair fences;  ///< invalid where none will ever cross
    std::shared_ptr<FdBin> bin;  ///< for ends that nobody has: who has the other one may have filled it
    Channels() = default;
    Channels(Channels&&) = default;
    Channels& operator=(Channels&&) = delete;
    ~Channels();
  };
  proto::Result<Channels> create_channels(const Producer& producer, const Agreement& agreement, const Lease& lease) const;
  void send_attached(const Lease& lease, const Generation& generation, const Channels& channels, std::uint64_t request);
  void send_lease_added(const Lease& lease, const platform::UniqueFd& producer_end,
                        const platform::UniqueFd& fence_producer_end);
  void send_producer_changed(const Lease& lease, const Channels& channels);
  void set_state(proto::StreamState state, const std::string& message);
  void ring_verdict();
  void take_past(const Past& past);
  void keep_producer();
  /// Gives @p lease what it was not told. Of another trust domain: slots of the broker's own, not what a client handed back.
  void make_up(Lease& lease);
  void introduce(Lease& lease);

  Setup setup_;
  platform::OwnedPage<proto::VerdictPage> verdict_;
  KeptStream kept_;
  proto::StreamState state_ = proto::StreamState::kLive;
  proto::StreamState healthy_state_ = proto::StreamState::kLive;  ///< what it was before it was poisoned
  std::uint32_t producers_ = 1;
  std::uint64_t first_sequence_ = 1;                      ///< of this producer
  Generations generations_;                               ///< oldest first, never empty
  std::vector<std::unique_ptr<Lease>> leases_;
  bool growth_failed_ = false;  ///< said so once
  proto::GenerationId newest_ever_{};  ///< of the brokers before this one, too
  std::vector<AbsentLease> absent_;
  std::set<proto::LeaseId> given_up_;  ///< absent for too long: they may not come back
  std::shared_ptr<const void> life_ = std::make_shared<char>();
  std::uint32_t warned_slots_ = 0;  ///< said that so many are needed and cannot be had
};

}  // namespace ferry::daemon
