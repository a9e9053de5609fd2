#pragma once
// The leases a producer has to reckon with: their pages, the channels that wake them, the timelines they release on.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "client/src/crowd_bell.h"
#include "client/src/device_binding.h"
#include "platform/fence_channel.h"
#include "platform/shared_page.h"
#include "platform/timeline.h"
#include "platform/unique_fd.h"
#include "platform/wait_set.h"
#include "proto/slot_chooser.h"

namespace ferry::client {

/// What the broker gave out for a lease, for the next broker.
struct KeptLease {
  wire::HandBackLeaseT info;
  std::vector<platform::UniqueFd> fds;  ///< lease page, [release timeline]
};

/// What LeaseAdded brought, mapped and imported.
struct ProducerLease {
  std::shared_ptr<const KeptLease> kept;
  platform::PeerPage<proto::LeasePage> page;
  CrowdBell::Channel channel;
  std::shared_ptr<platform::Timeline> release_timeline;  ///< null if it joined in sync mode host or sync-fd
  platform::UniqueFd fence_channel;  ///< sync mode sync-fd; invalid where the stream will never use it
  std::uint32_t index = 0;
  proto::LeaseId id{};
  proto::ConsumerMode mode{};
  std::uint32_t queue_depth = 0;
  bool completed_only = false;    ///< of another trust domain: the stream page has to say which frames are complete
  bool unfenced = true;           ///< it has no fence for the newest frame, and sees that when it is complete
  std::uint64_t known_value = 0;  ///< release timeline has reached at least this
  std::uint64_t rung_ticket = 0;  ///< arm ticket that was rung for
};

/// What is left of a lease that ended.
struct Removed {
  std::shared_ptr<platform::Timeline> release_timeline;  ///< null in sync mode host, and if there was no such lease
  std::uint64_t promised = 0;                            ///< highest point on it that the consumer, or for it the broker, will reach
};

/// Semaphores and values to wait for, as VkTimelineSemaphoreSubmitInfo wants them.
struct WaitList {
  std::vector<VkSemaphore> semaphores;
  std::vector<std::uint64_t> values;
  void reserve(std::size_t n) {
    semaphores.reserve(n);
    values.reserve(n);
  }
  void clear() {
    semaphores.clear();
    values.clear();
  }
};

/// A lease whose GPU has not reached a release point for this long is waited for by nobody's GPU any more.
inline constexpr std::int64_t kStuckNs = 200'000'000;

/// The moment when a frame is drawn. Before it no consumer's GPU can be done with it.
struct DrawnAt {
  const platform::Timeline& timeline;
  std::uint64_t value;
};

class LeaseSet {
 public:
  /// @p doorbell: the stream page's; outlives this.
  explicit LeaseSet(const proto::AtomicU32& doorbell) : doorbell_(doorbell) {}

  /// Takes the descriptors of @p fds: lease page, channel, [fence channel], [release timeline]. kProtocolViolation: the consumer's page is
  /// not what it must be (the broker checks it too).
  static proto::Result<ProducerLease> import(DeviceBinding& device, const wire::LeaseAddedT& info,
                                             std::vector<platform::UniqueFd>& fds);

  void add(ProducerLease lease, platform::WaitSet& wait_set);
  /// Gives back the lease's release timeline (null without one): submitted work may still wait for it.
  Removed remove(proto::LeaseId id, platform::WaitSet& wait_set);

  std::span<const proto::LeaseView> views() const { return views_; }
  bool any_completed_only() const;
  /// Before the frame is published: to every lease that has room for it.
  void send_fence(const proto::FenceMessage& message, const platform::UniqueFd& fence);
  /// The next frame is published without one.
  void withhold_fence();
  /// Whether somebody waits for the newest frame to be complete.
  bool any_unfenced() const;
  /// Of the leases that live, for the next broker.
  std::vector<std::shared_ptr<const KeptLease>> kept(proto::VerdictPageReader verdict) const;

  /// As proto::PendingReads::of. kStuck: although the frame in it is drawn (@p drawn) they have not reached a release point
  /// for kStuckNs.
  proto::Reads reads_of(std::uint32_t slot, const DrawnAt& drawn, proto::VerdictPageReader verdict,
                        std::span<std::uint64_t, proto::kMaxLeases / 64> blockers);

  /// Release points of @p slot that the GPU has not reached: what the next drawing into it has to wait for. A lease the
  /// broker has retired is waited for no more.
  void collect_waits(std::uint32_t slot, proto::VerdictPageReader verdict, WaitList& out);

  /// After a publish, and with one system call: wakes everybody who sleeps on the doorbell with a FUTEX_WAKE, or rings for
  /// the one lease that is armed. What would take more calls, or long, is left to a thread, which is woken instead.
  void wake(proto::VerdictPageReader verdict);

  /// Empties the channel of lease @p id after WaitSet::wait() named it.
  void drain(std::uint64_t id, platform::WaitSet& wait_set);

 private:
  /// The release point of @p slot that the @p i th lease has promised and its GPU has not reached; 0: there is none to wait for.
  std::uint64_t pending_point(std::size_t i, std::uint32_t slot, proto::VerdictPageReader verdict);

  /// A release point that the GPU had not reached when it was last looked at, 0: none; and since when.
  struct Watched {
    std::uint64_t point = 0;
    std::int64_t since_ns = 0;
  };

  const proto::AtomicU32& doorbell_;
  std::vector<ProducerLease> leases_;
  std::vector<Watched> watched_;  // same order; apart, for publish() walks over the others
  std::vector<proto::LeaseView> views_;  // same order; what SlotChooser walks over
  std::vector<const CrowdBell::Channel*> armed_;  // of wake(); room for all, so that it never allocates
  std::unique_ptr<CrowdBell> bell_;       // made with the second lease: one has one bell to ring
};

}  // namespace ferry::client
