#include "daemon/promises.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/unit/daemon/fake_gpu.h"

namespace ferry::daemon {
namespace {

using test::FakeTimeline;

Promise promise(const std::shared_ptr<FakeTimeline>& timeline, std::vector<std::uint64_t> points) {
  return {timeline, [points] { return points; }, "test timeline"};
}

TEST(Promises, TheHighestPlausiblePointCounts) {
  const std::uint64_t far = (std::uint64_t{1} << 31) + 10;
  EXPECT_EQ(highest_plausible(std::array<std::uint64_t, 3>{3, 9, 5}, 4), 9u);
  EXPECT_EQ(highest_plausible(std::array<std::uint64_t, 3>{3, 9, far}, 4), 9u) << "too far for a driver";
  EXPECT_EQ(highest_plausible(std::array<std::uint64_t, 2>{3, ~std::uint64_t{0}}, 4), 4u);
  EXPECT_EQ(highest_plausible({}, 4), 4u);
}

TEST(Promises, AreKeptFromTheHost) {
  auto timeline = std::make_shared<FakeTimeline>();
  const Promise made = promise(timeline, {2, 7});
  EXPECT_FALSE(is_kept(made));
  keep_from_host(made);
  EXPECT_EQ(*timeline->value(), 7u);
  EXPECT_TRUE(is_kept(made));
  keep_from_host(made);  // not signalled a second time: FakeTimeline would refuse
  EXPECT_EQ(*timeline->value(), 7u);
}

TEST(Promises, WhoBrokeThemIsToldOfBeforeTheSignal) {
  auto timeline = std::make_shared<FakeTimeline>();
  ASSERT_TRUE(timeline->signal(3));
  std::vector<std::uint64_t> told;
  Promise made = promise(timeline, {2, 7});
  made.on_broken = [&](std::uint64_t reached) {
    told.push_back(reached);
    EXPECT_EQ(*timeline->value(), 3u);
  };
  keep_from_host(made);
  keep_from_host(made);  // kept by now
  EXPECT_EQ(told, (std::vector<std::uint64_t>{3}));
}

TEST(Promises, ReleasePointsAreThePagesOwn) {
  proto::LeasePage page{};
  page.slots[3].release_point = 12;
  page.slots[63].release_point = 4;
  EXPECT_EQ(release_points(page), (std::vector<std::uint64_t>{12, 4}));
}

TEST(Promises, AcquirePointsAreThoseOfOneGenerationInTheRing) {
  auto page = std::make_unique<proto::StreamPage>();
  proto::StreamPageWriter writer(*page);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    proto::FrameRecord record{};
    record.sequence = sequence;
    record.generation = sequence == 3 ? 2 : 1;
    record.acquire_point = 10 * sequence;
    writer.publish(record);
  }
  EXPECT_EQ(acquire_points(*page, proto::GenerationId{1}), (std::vector<std::uint64_t>{20, 10}));
  EXPECT_EQ(acquire_points(*page, proto::GenerationId{2}), (std::vector<std::uint64_t>{30}));
  EXPECT_EQ(first_unfinished(*page, proto::GenerationId{1}, 9), 1u);
  EXPECT_EQ(first_unfinished(*page, proto::GenerationId{1}, 10), 2u);
  EXPECT_EQ(first_unfinished(*page, proto::GenerationId{1}, 20), 0u);
  EXPECT_EQ(first_unfinished(*page, proto::GenerationId{2}, 20), 3u);
  page->published = ~std::uint64_t{0};  // a liar's page ends the search, not the broker
  EXPECT_TRUE(acquire_points(*page, proto::GenerationId{1}).empty());
  EXPECT_EQ(first_unfinished(*page, proto::GenerationId{1}, 0), 0u);
}

}  // namespace
}  // namespace ferry::daemon
