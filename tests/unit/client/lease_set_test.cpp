// What the producer's GPU has to wait for, and whom a publish wakes. Timelines are stand-ins: this runs without a driver
// that exports any.

#include "client/src/lease_set.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/message_socket.h"

namespace ferry::client {
namespace {

constexpr proto::GenerationId kGeneration{1};
constexpr std::uint32_t kSlot = 3;
constexpr std::int64_t kPatienceNs = 30'000'000'000;

/// A release timeline whose GPU does what the test says.
class StandIn final : public platform::Timeline {
 public:
  explicit StandIn(std::uintptr_t handle) : semaphore_(reinterpret_cast<VkSemaphore>(handle)) {}
  VkSemaphore semaphore() const override { return semaphore_; }
  proto::Result<std::uint64_t> value() const override { return reached; }
  proto::Result<void> signal(std::uint64_t) override { return {}; }
  proto::Result<void> wait(std::uint64_t, std::int64_t) const override { return {}; }

  std::uint64_t reached = 0;

 private:
  VkSemaphore semaphore_;
};

/// The consumer's end of a lease.
struct Party {
  explicit Party(std::uint32_t at, bool has_timeline = true)
      : index(at), id(proto::LeaseId{100u + at}), channel(*platform::create_channel()) {
    if (has_timeline) timeline = std::make_shared<StandIn>(0x1000 + at);
  }
  ProducerLease lease() {
    ProducerLease lease;
    lease.page = *platform::PeerPage<proto::LeasePage>::map(page.fd(), proto::PageKind::kLease);
    lease.channel = std::make_shared<const platform::UniqueFd>(std::move(channel.producer_end));
    lease.release_timeline = timeline;
    lease.index = index;
    lease.id = id;
    lease.mode = proto::ConsumerMode::kLatest;
    return lease;
  }
  proto::LeasePageWriter writer() { return proto::LeasePageWriter(page.page()); }
  bool is_rung(std::int64_t patience_ns) const {
    const auto ready = platform::wait_readable(channel.consumer_end, {}, platform::now_ns() + patience_ns);
    return ready && ready->socket;
  }

  std::uint32_t index;
  proto::LeaseId id;
  platform::OwnedPage<proto::LeasePage> page =
      *platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "lease");
  platform::ChannelPair channel;
  std::shared_ptr<StandIn> timeline;
};

struct LeaseSets : ::testing::Test {
  /// Attached, and alive as far as the broker says.
  Party& add(bool has_timeline = true) {
    auto& party = *parties.emplace_back(
        std::make_unique<Party>(static_cast<std::uint32_t>(parties.size()), has_timeline));
    proto::VerdictPageWriter(*verdict).set_lease(party.index, party.id);
    leases.add(party.lease(), *wait_set);
    return party;
  }
  WaitList waits() {
    WaitList list;
    leases.collect_waits(kSlot, proto::VerdictPageReader(*verdict), list);
    return list;
  }
  /// As a producer sees it that has drawn kSlot's frame at 1 of its timeline.
  proto::Reads reads() {
    blockers = {};
    return leases.reads_of(kSlot, {producer, 1}, proto::VerdictPageReader(*verdict), blockers);
  }
  /// Looks until kSlot is stuck, for as long as that may take.
  bool gets_stuck() {
    for (const std::int64_t end_ns = platform::now_ns() + 2 * kStuckNs; platform::now_ns() < end_ns;) {
      if (reads() == proto::Reads::kStuck) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return false;
  }
  /// Reads kSlot, and promises to have done so at @p point.
  static void read_until(Party& party, std::uint64_t point) {
    party.writer().hold(kGeneration, kSlot);
    party.writer().let_go(kGeneration, kSlot, point);
  }

  std::unique_ptr<proto::VerdictPage> verdict = std::make_unique<proto::VerdictPage>();
  proto::AtomicU32 doorbell{0};
  platform::WaitSet wait_set_ = *platform::WaitSet::create();
  platform::WaitSet* wait_set = &wait_set_;
  std::vector<std::unique_ptr<Party>> parties;
  std::array<std::uint64_t, proto::kMaxLeases / 64> blockers{};
  StandIn producer{0x2000};
  LeaseSet leases{doorbell};
};

TEST_F(LeaseSets, AFenceGoesToEveryLeaseThatHasRoomForIt) {
  Party& with = add();
  add();  // without a channel
  EXPECT_TRUE(leases.any_unfenced());
  auto pair = std::move(*platform::create_fence_channel());
  leases.remove(with.id, *wait_set);
  auto fenced = with.lease();
  fenced.fence_channel = std::move(pair.producer_end);
  LeaseSet alone{doorbell};
  alone.add(std::move(fenced), *wait_set);
  alone.send_fence({1, 1, 0}, {});
  EXPECT_FALSE(alone.any_unfenced());
  const auto received = platform::receive_fence(pair.consumer_end);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->message.sequence, 1u);
  for (std::uint64_t sequence = 2; sequence < 1000 && !alone.any_unfenced(); ++sequence) alone.send_fence({sequence, 1, 0}, {});
  EXPECT_TRUE(alone.any_unfenced()) << "a full channel: the frame is seen when it is complete";
  while (platform::receive_fence(pair.consumer_end).value()) {
  }
  alone.send_fence({1000, 1, 0}, {});
  EXPECT_FALSE(alone.any_unfenced());
  alone.withhold_fence();
  EXPECT_TRUE(alone.any_unfenced());
}

TEST_F(LeaseSets, AReleasePointIsWaitedForUntilTheGpuHasReachedIt) {
  Party& party = add();
  EXPECT_TRUE(waits().semaphores.empty()) << "nobody has read it";
  read_until(party, 7);
  for (const std::uint64_t reached : {0u, 6u}) {
    party.timeline->reached = reached;
    const WaitList list = waits();
    ASSERT_EQ(list.semaphores.size(), 1u);
    EXPECT_EQ(list.semaphores[0], party.timeline->semaphore());
    EXPECT_EQ(list.values[0], 7u);
  }
  party.timeline->reached = 7;
  EXPECT_TRUE(waits().semaphores.empty());
}

TEST_F(LeaseSets, APointThatNoTimelineCanReachIsNotWaitedFor) {
  Party& party = add();
  party.timeline->reached = 5;
  read_until(party, 5 + platform::kMaxTimelineJump);
  ASSERT_EQ(waits().semaphores.size(), 1u);
  for (const std::uint64_t lie : {5 + platform::kMaxTimelineJump + 1, ~std::uint64_t{0}}) {
    read_until(party, lie);
    EXPECT_TRUE(waits().semaphores.empty()) << lie;
  }
}

TEST_F(LeaseSets, EveryReaderOfTheSlotIsWaitedFor) {
  Party &one = add(), &other = add(), &done = add(), &on_the_host = add(false);
  read_until(one, 3);
  read_until(other, 9);
  read_until(done, 4);
  read_until(on_the_host, 5);  // sync mode host: held until it is done, so there is nothing to wait for
  done.timeline->reached = 4;
  EXPECT_EQ(waits().values, (std::vector<std::uint64_t>{3, 9}));
}

TEST_F(LeaseSets, ARetiredLeaseIsNotWaitedFor) {
  Party& party = add();
  read_until(party, 7);
  proto::VerdictPageWriter(*verdict).clear_lease(party.index);
  EXPECT_TRUE(waits().semaphores.empty());
}

TEST_F(LeaseSets, WhatALeaseHasPromisedIsKnownAtItsEnd) {
  Party &party = add(), &on_the_host = add(false);
  party.timeline->reached = 5;
  read_until(party, 7);
  (void)waits();
  party.writer().hold(kGeneration, kSlot + 1);
  party.writer().let_go(kGeneration, kSlot + 1, 9);
  party.writer().hold(kGeneration, kSlot + 2);
  party.writer().let_go(kGeneration, kSlot + 2, 6 + platform::kMaxTimelineJump);  // nobody will signal that for it
  const Removed removed = leases.remove(party.id, *wait_set);
  EXPECT_EQ(removed.release_timeline, party.timeline);
  EXPECT_EQ(removed.promised, 9u);
  EXPECT_FALSE(leases.remove(party.id, *wait_set).release_timeline) << "it is gone";
  EXPECT_FALSE(leases.remove(on_the_host.id, *wait_set).release_timeline);
}

TEST_F(LeaseSets, AnotherSlotsPointIsNotWaitedFor) {
  Party& party = add();
  party.writer().hold(kGeneration, kSlot + 1);
  party.writer().let_go(kGeneration, kSlot + 1, 7);
  EXPECT_TRUE(waits().semaphores.empty());
}

TEST_F(LeaseSets, AGpuThatStandsStillIsStuckAndNotOneThatIsSlow) {
  Party &idle = add(), &party = add();
  EXPECT_EQ(reads(), proto::Reads::kDone);
  producer.reached = 1;
  read_until(party, 7);
  EXPECT_EQ(reads(), proto::Reads::kPending);
  ASSERT_TRUE(gets_stuck());
  EXPECT_EQ(blockers[0], std::uint64_t{1} << party.index) << "and not " << idle.index;

  party.timeline->reached = 7;
  EXPECT_EQ(reads(), proto::Reads::kDone);
  // Always something pending, never the same for long.
  for (std::uint64_t point = 8; point < 8 + 30; ++point) {
    read_until(party, point);
    EXPECT_EQ(reads(), proto::Reads::kPending) << point;
    std::this_thread::sleep_for(std::chrono::nanoseconds(kStuckNs / 10));
    party.timeline->reached = point - 1;
  }
}

TEST_F(LeaseSets, WhoWaitsForTheProducersOwnGpuIsNotStuck) {
  Party& party = add();
  read_until(party, 7);
  EXPECT_FALSE(gets_stuck()) << "its frame is not drawn";
  producer.reached = 1;
  EXPECT_EQ(reads(), proto::Reads::kPending) << "the time counts from the drawing on";
  EXPECT_TRUE(gets_stuck());
}

TEST_F(LeaseSets, ARetiredLeaseIsNotStuck) {
  Party& party = add();
  producer.reached = 1;
  read_until(party, 7);
  ASSERT_TRUE(gets_stuck());
  proto::VerdictPageWriter(*verdict).clear_lease(party.index);
  EXPECT_EQ(reads(), proto::Reads::kDone);
}

TEST_F(LeaseSets, EveryArmedDescriptorIsRungOnceForEachTimeItIsArmed) {
  for (int i = 0; i < 3; ++i) add().writer().arm(1);
  leases.wake(proto::VerdictPageReader(*verdict));
  for (const auto& party : parties) {
    EXPECT_TRUE(party->is_rung(kPatienceNs));
    (void)platform::drain_channel(party->channel.consumer_end);
  }
  leases.wake(proto::VerdictPageReader(*verdict));
  parties[1]->writer().arm(2);
  leases.wake(proto::VerdictPageReader(*verdict));
  EXPECT_TRUE(parties[1]->is_rung(kPatienceNs));
  EXPECT_FALSE(parties[0]->is_rung(0));
  EXPECT_FALSE(parties[2]->is_rung(0));
}

}  // namespace
}  // namespace ferry::client
