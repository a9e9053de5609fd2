#include "client/src/lease_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "platform/clock.h"
#include "platform/futex.h"
#include "platform/message_socket.h"

namespace ferry::client {

using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

#ifdef FERRY_TEST_IGNORE_RELEASE_POINTS  // tests/: proves that the tearing test sees it
constexpr bool kHeedsReleasePoints = false;
#else
constexpr bool kHeedsReleasePoints = true;
#endif

Result<std::shared_ptr<const KeptLease>> keep(const wire::LeaseAddedT& info, const std::vector<UniqueFd>& fds) {
  auto kept = std::make_shared<KeptLease>();
  kept->info.stream = info.stream;
  kept->info.lease = info.lease;
  kept->info.lease_index = info.lease_index;
  kept->info.mode = info.mode;
  kept->info.max_holds = info.max_holds;
  kept->info.queue_depth = info.queue_depth;
  kept->info.has_release_timeline = info.has_release_timeline;
  kept->info.completed_only = info.completed_only;
  kept->info.has_fence_channel = info.has_fence_channel;
  kept->fds.push_back(fds[0].duplicate());
  if (info.has_release_timeline) kept->fds.push_back(fds.back().duplicate());
  for (const UniqueFd& fd : kept->fds)
    if (!fd) return Error{ErrorCode::kSystem, fmt::format("duplicate of a descriptor: {}", std::strerror(errno))};
  return std::shared_ptr<const KeptLease>(std::move(kept));
}

}  // namespace

Result<ProducerLease> LeaseSet::import(DeviceBinding& device, const wire::LeaseAddedT& info, std::vector<UniqueFd>& fds) {
  if (info.lease_index >= proto::kMaxLeases || info.lease == 0)
    return Error{ErrorCode::kProtocolViolation,
                 fmt::format("lease {} at index {}: the limit is {}", info.lease, info.lease_index, proto::kMaxLeases)};
  ProducerLease lease;
  auto kept = keep(info, fds);
  if (!kept) return std::move(kept).error();
  lease.kept = std::move(*kept);
  auto page = platform::PeerPage<proto::LeasePage>::map(fds[0], proto::PageKind::kLease);
  if (!page) return std::move(page).error();
  lease.page = std::move(*page);
  lease.channel = std::make_shared<const UniqueFd>(std::move(fds[1]));
  if (info.has_fence_channel) lease.fence_channel = std::move(fds[2]);
  if (info.has_release_timeline) {
    auto timeline = device.vulkan().timeline_importer().import(std::move(fds.back()));
    if (!timeline) return std::move(timeline).error();
    lease.release_timeline = std::move(*timeline);
  }
  lease.index = info.lease_index;
  lease.id = proto::LeaseId{info.lease};
  lease.mode = info.mode == wire::ConsumerMode::Every ? proto::ConsumerMode::kEvery : proto::ConsumerMode::kLatest;
  lease.completed_only = info.completed_only;
  lease.queue_depth = std::clamp(info.queue_depth, 1u, proto::kMaxQueueDepth);
  return lease;
}

void LeaseSet::add(ProducerLease lease, platform::WaitSet& wait_set) {
  // Without it a blocked begin() would still end at its next look; it is no reason to turn the consumer away.
  (void)wait_set.add(*lease.channel, raw(lease.id));
  views_.push_back({proto::LeasePageReader(lease.page.page()), lease.index, lease.id, lease.mode, lease.queue_depth});
  leases_.push_back(std::move(lease));
  watched_.emplace_back();
  armed_.reserve(leases_.size());
  if (leases_.size() > 1 && !bell_) bell_ = std::make_unique<CrowdBell>(doorbell_);
}

Removed LeaseSet::remove(proto::LeaseId id, platform::WaitSet& wait_set) {
  for (std::size_t i = 0; i < leases_.size(); ++i) {
    if (leases_[i].id != id) continue;
    wait_set.remove(*leases_[i].channel);
    Removed removed{std::move(leases_[i].release_timeline)};
    const std::uint64_t reached = leases_[i].known_value;
    for (std::uint32_t slot = 0; slot < proto::kMaxSlots; ++slot)
      if (const std::uint64_t point = views_[i].page.release_point(slot); platform::can_reach(reached, point))
        removed.promised = std::max(removed.promised, point);
    leases_.erase(leases_.begin() + static_cast<std::ptrdiff_t>(i));
    views_.erase(views_.begin() + static_cast<std::ptrdiff_t>(i));
    watched_.erase(watched_.begin() + static_cast<std::ptrdiff_t>(i));
    return removed;
  }
  return {};
}

std::vector<std::shared_ptr<const KeptLease>> LeaseSet::kept(proto::VerdictPageReader verdict) const {
  std::vector<std::shared_ptr<const KeptLease>> all;
  for (const ProducerLease& lease : leases_)
    if (verdict.is_alive(lease.index, lease.id)) all.push_back(lease.kept);
  return all;
}

inline std::uint64_t LeaseSet::pending_point(std::size_t i, std::uint32_t slot, proto::VerdictPageReader verdict) {
  ProducerLease& lease = leases_[i];
  const std::uint64_t point = views_[i].page.release_point(slot);
  if (point <= lease.known_value) return 0;  // of most: nothing else is looked at then
  if (!kHeedsReleasePoints || !lease.release_timeline || !verdict.is_alive(lease.index, lease.id)) return 0;
  if (auto value = lease.release_timeline->value(); value) lease.known_value = *value;
  if (point <= lease.known_value) return 0;
  // A lie: the driver may not be asked to wait for it, and the broker could not signal it for a consumer that died.
  if (!platform::can_reach(lease.known_value, point)) return 0;
  return point;
}

proto::Reads LeaseSet::reads_of(std::uint32_t slot, const DrawnAt& drawn, proto::VerdictPageReader verdict,
                                std::span<std::uint64_t, proto::kMaxLeases / 64> blockers) {
  auto all = proto::Reads::kDone;
  for (std::size_t i = 0; i < leases_.size(); ++i) {
    const std::uint64_t point = pending_point(i, slot, verdict);
    if (point == 0) continue;
    if (all == proto::Reads::kDone) all = proto::Reads::kPending;
    const ProducerLease& lease = leases_[i];
    Watched& watched = watched_[i];
    if (watched.point <= lease.known_value) {
      watched = {};
      // Who waits for a frame that is still to be drawn does not stand still.
      if (const auto value = drawn.timeline.value(); !value || *value < drawn.value) continue;
      watched = {point, platform::now_ns()};
    } else if (platform::now_ns() - watched.since_ns > kStuckNs) {
      blockers[lease.index / 64] |= std::uint64_t{1} << (lease.index % 64);
      all = proto::Reads::kStuck;
    }
  }
  return all;
}

void LeaseSet::collect_waits(std::uint32_t slot, proto::VerdictPageReader verdict, WaitList& out) {
  out.clear();
  for (std::size_t i = 0; i < leases_.size(); ++i) {
    const std::uint64_t point = pending_point(i, slot, verdict);
    if (point == 0) continue;
    out.semaphores.push_back(leases_[i].release_timeline->semaphore());
    out.values.push_back(point);
  }
}

bool LeaseSet::any_completed_only() const {
  return std::any_of(leases_.begin(), leases_.end(), [](const ProducerLease& lease) { return lease.completed_only; });
}

void LeaseSet::send_fence(const proto::FenceMessage& message, const UniqueFd& fence) {
  for (ProducerLease& lease : leases_)
    lease.unfenced = !lease.fence_channel || !platform::send_fence(lease.fence_channel, message, fence);
}

void LeaseSet::withhold_fence() {
  for (ProducerLease& lease : leases_) lease.unfenced = true;
}

bool LeaseSet::any_unfenced() const {
  return std::any_of(leases_.begin(), leases_.end(), [](const ProducerLease& lease) { return lease.unfenced; });
}

void LeaseSet::wake(proto::VerdictPageReader verdict) {
  std::size_t sleepers = 0;
  bool on_doorbell = false;
  armed_.clear();
  for (std::size_t i = 0; i < leases_.size(); ++i) {
    const proto::LeasePageReader page = views_[i].page;
    const std::uint64_t ticket = page.arm_ticket();
    const bool sleeps = page.sleeps();
    if (!sleeps && (ticket == 0 || ticket == leases_[i].rung_ticket)) continue;
    if (!verdict.is_alive(views_[i].index, views_[i].id)) continue;
    on_doorbell |= sleeps;
    sleepers += sleeps ? 1 : 0;
    if (ticket != 0 && ticket != leases_[i].rung_ticket) {
      leases_[i].rung_ticket = ticket;
      armed_.push_back(&leases_[i].channel);
    }
  }
  const std::size_t calls = armed_.size() + (on_doorbell ? 1 : 0);
  if (bell_ && (calls > 1 || sleepers > CrowdBell::kFew)) {
    bell_->ring(on_doorbell, armed_);
    return;
  }
  if (on_doorbell) platform::futex_wake_all(doorbell_);
  for (const CrowdBell::Channel* channel : armed_) platform::ring_channel(**channel);
}

void LeaseSet::drain(std::uint64_t id, platform::WaitSet& wait_set) {
  for (ProducerLease& lease : leases_) {
    if (raw(lease.id) != id) continue;
    // A closed channel stays readable for ever: the broker will say why it closed.
    if (!platform::drain_channel(*lease.channel)) wait_set.remove(*lease.channel);
    return;
  }
}

}  // namespace ferry::client
