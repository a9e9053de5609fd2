#include "proto/pages/lease_page.h"

#include <gtest/gtest.h>

#include <memory>

#include "proto/pages/verdict_page.h"

namespace ferry::proto {
namespace {

constexpr GenerationId kOld{1}, kNew{2};

struct LeasePages : testing::Test {
  std::unique_ptr<LeasePage> page = std::make_unique<LeasePage>();
  LeasePageWriter writer{*page};
  LeasePageReader reader{*page};
};

TEST_F(LeasePages, AHoldIsOfOneGeneration) {
  writer.hold(kOld, 3);
  EXPECT_TRUE(reader.holds(kOld, 3));
  EXPECT_FALSE(reader.holds(kNew, 3));
  EXPECT_FALSE(reader.holds(kOld, 4));
  writer.let_go(kOld, 3, 17);
  EXPECT_FALSE(reader.holds(kOld, 3));
  EXPECT_EQ(reader.release_point(3), 17u);
}

TEST_F(LeasePages, LettingAnOldGenerationGoLeavesTheNewOneHeld) {
  writer.hold(kOld, 3);
  writer.hold(kNew, 3);
  writer.let_go(kOld, 3, 0);
  EXPECT_TRUE(reader.holds(kNew, 3));
}

TEST_F(LeasePages, AReleasePointNeverFalls) {
  writer.hold(kOld, 3);  // will signal 5
  writer.hold(kNew, 3);  // will signal 6
  writer.let_go(kNew, 3, 6);
  writer.let_go(kOld, 3, 5);  // the older frame, shown longer
  EXPECT_EQ(reader.release_point(3), 6u);
}

TEST_F(LeasePages, AFrameLetGoUnusedLeavesTheEarlierPoint) {
  writer.hold(kOld, 3);
  writer.let_go(kOld, 3, 5);
  writer.hold(kOld, 3);
  writer.let_go(kOld, 3, 0);
  EXPECT_EQ(reader.release_point(3), 5u);
}

TEST_F(LeasePages, CountsWhatWasTaken) {
  writer.count_acquired(0, 10);
  writer.count_acquired(3, 20);
  writer.count_latency(100'000);
  EXPECT_EQ(page->acquired.load(), 2u);
  EXPECT_EQ(page->skipped.load(), 3u);
  EXPECT_EQ(page->heartbeat_ns.load(), 20u);
  EXPECT_EQ(page->latency[LatencyHistogram::bucket_of(100'000)].load(), 1u);
}

TEST(VerdictPages, ALeaseIsAliveUntilItsIndexIsClearedOrReused) {
  const auto page = std::make_unique<VerdictPage>();
  VerdictPageWriter writer{*page};
  const VerdictPageReader reader{*page};
  EXPECT_FALSE(reader.is_alive(0, LeaseId{4}));
  writer.set_lease(0, LeaseId{4});
  EXPECT_TRUE(reader.is_alive(0, LeaseId{4}));
  writer.set_lease(0, LeaseId{5});
  EXPECT_FALSE(reader.is_alive(0, LeaseId{4}));
  writer.clear_lease(0);
  EXPECT_FALSE(reader.is_alive(0, LeaseId{5}));
}

TEST(VerdictPages, SaysStateAndGeneration) {
  const auto page = std::make_unique<VerdictPage>();
  VerdictPageWriter writer{*page};
  writer.set_state(StreamState::kOrphaned);
  writer.set_generation(GenerationId{9});
  const std::uint32_t before = page->doorbell.load();
  writer.ring();
  EXPECT_EQ(VerdictPageReader{*page}.state(), StreamState::kOrphaned);
  EXPECT_EQ(VerdictPageReader{*page}.generation(), GenerationId{9});
  EXPECT_NE(page->doorbell.load(), before);
}

}  // namespace
}  // namespace ferry::proto
