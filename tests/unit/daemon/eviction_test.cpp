#include "daemon/eviction.h"

#include <gtest/gtest.h>

#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::daemon {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kDeadline = 2000 * kMs;

Conduct good(std::uint64_t lease) { return {proto::LeaseId{lease}, true, 2, 3, 10 * kMs, 0}; }

std::vector<std::uint64_t> evicted(std::vector<Conduct> suspects, std::int64_t starved_ns = 0, bool pool_short = false) {
  std::vector<std::uint64_t> leases;
  for (const Eviction& e : choose_evictions(suspects, kDeadline, starved_ns, pool_short)) leases.push_back(raw(e.lease));
  return leases;
}

TEST(Eviction, SparesWhoDoesWhatItDeclared) { EXPECT_TRUE(evicted({good(1), good(2)}, 1000 * kMs).empty()); }

TEST(Eviction, EndsWhoHoldsMoreThanItMay) {
  Conduct greedy = good(2);
  greedy.held = 4;
  EXPECT_EQ(evicted({good(1), greedy}), std::vector<std::uint64_t>{2});
}

TEST(Eviction, EndsWhoStandsStillBeforeNewFrames) {
  Conduct stopped = good(2);
  stopped.overdue_ns = kDeadline + 1;
  EXPECT_EQ(evicted({good(1), stopped}), std::vector<std::uint64_t>{2});
}

TEST(Eviction, EndsOneAtATimeWhenThePoolIsTooSmallForAll) {
  std::vector<Conduct> all = {good(1), good(2), good(3)};
  for (std::size_t i = 0; i < all.size(); ++i) all[i].overdue_ns = kDeadline + static_cast<std::int64_t>(i + 1) * kMs;
  EXPECT_EQ(evicted(all), (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(evicted(all, 0, true), std::vector<std::uint64_t>{3}) << "the one overdue for longest";
  all[0].held = 4;
  EXPECT_EQ(evicted(all, 0, true), std::vector<std::uint64_t>{1}) << "who holds more than it may is to blame first";
}

TEST(Eviction, SparesWhoIsNotInTheWay) {
  Conduct stopped = good(2);
  stopped.in_the_way = false;
  stopped.overdue_ns = 10 * kDeadline;
  EXPECT_TRUE(evicted({stopped}, 10 * kDeadline).empty());
}

TEST(Eviction, EndsOnlyTheMostIdleWhenNobodyElseIsToBlame) {
  Conduct idle = good(2);
  idle.idle_ns = 1500 * kMs;
  EXPECT_EQ(evicted({good(1), idle, good(3)}, kDeadline + 1), std::vector<std::uint64_t>{2});
}

TEST(Eviction, EndsFirstWhomThePoolWasNotMadeFor) {
  Conduct stranger = good(2);
  stranger.foreign = true;
  Conduct idle = good(1);
  idle.idle_ns = 1500 * kMs;
  EXPECT_EQ(evicted({idle, stranger, good(3)}, kDeadline + 1), std::vector<std::uint64_t>{2});
  std::vector<Conduct> all = {good(1), stranger, good(3)};
  for (std::size_t i = 0; i < all.size(); ++i) all[i].overdue_ns = kDeadline + static_cast<std::int64_t>(i + 1) * kMs;
  EXPECT_EQ(evicted(all, 0, true), std::vector<std::uint64_t>{2}) << "a pool that is short for others is no excuse";
}

TEST(Eviction, ReadsConductFromThePages) {
  auto page = platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "test");
  ASSERT_TRUE(page);
  auto shared = share_page<proto::LeasePage>(page->fd().duplicate(), proto::PageKind::kLease, {});
  ASSERT_TRUE(shared) << shared.error().message;
  Lease lease;
  lease.id = proto::LeaseId{5};
  lease.need = {proto::ConsumerMode::kLatest, 2, 0};
  lease.page = *shared;
  lease.attached_ns = 100 * kMs;

  auto stream = std::make_unique<proto::StreamPage>();
  proto::FrameRecord record{};
  for (record.sequence = 1; record.sequence <= 2; ++record.sequence) {
    record.generation = 3;
    record.produced_ns = static_cast<std::uint64_t>(200 * kMs) * record.sequence;
    proto::StreamPageWriter(*stream).publish(record);
  }
  proto::LeasePage& words = page->page();
  words.slots[0].held = 3;
  words.slots[1].held = 2;
  words.cursor = 1;
  words.heartbeat_ns = 300 * kMs;
  const Conduct seen = observe(lease, proto::StreamPageReader(*stream), proto::GenerationId{3}, false, 1000 * kMs);
  EXPECT_TRUE(seen.in_the_way);
  EXPECT_EQ(seen.held, 2u);
  EXPECT_EQ(seen.may_hold, 3u);
  EXPECT_EQ(seen.idle_ns, 700 * kMs);
  EXPECT_EQ(seen.overdue_ns, 600 * kMs) << "frame 2 has been there since 400 ms";

  words.heartbeat_ns = 5000 * kMs;  // in the future
  EXPECT_EQ(observe(lease, proto::StreamPageReader(*stream), proto::GenerationId{3}, false, 1000 * kMs).idle_ns,
            1000 * kMs);
  words.cursor = 2;
  words.slots[0].held = 0;
  const Conduct idle = observe(lease, proto::StreamPageReader(*stream), proto::GenerationId{3}, false, 1000 * kMs);
  EXPECT_FALSE(idle.in_the_way) << "what it holds of older generations is in nobody's way";
  EXPECT_EQ(idle.overdue_ns, 0);

  const auto timeline = std::make_shared<test::FakeTimeline>();
  lease.release_timeline = timeline;
  words.slots[4].release_point = 9;
  words.slots[5].release_point = 10;
  words.slots[6].release_point = 100 + platform::kMaxTimelineJump;  // nobody waits for that
  *timeline->counter() = 9;
  const Conduct reading = observe(lease, proto::StreamPageReader(*stream), proto::GenerationId{3}, false, 1000 * kMs);
  EXPECT_TRUE(reading.in_the_way) << "its GPU reads a slot that it has let go of";
  EXPECT_EQ(reading.unreached, 1u);
  const auto evicted = choose_evictions(std::span(&reading, 1), 500 * kMs, 600 * kMs, false);
  ASSERT_EQ(evicted.size(), 1u);
  EXPECT_NE(evicted[0].reason.find("its GPU is not done with 1 slots"), std::string::npos) << evicted[0].reason;

  *timeline->counter() = 10;
  EXPECT_FALSE(observe(lease, proto::StreamPageReader(*stream), proto::GenerationId{3}, false, 1000 * kMs).in_the_way);
}

}  // namespace
}  // namespace ferry::daemon
