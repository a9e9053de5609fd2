#include "proto/frame_taker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <iterator>

#include "test_stream.h"

namespace ferry::proto {
namespace {

using testing::kFirst;
using testing::kHeightPx;
using testing::kWidthPx;
using testing::TestConsumer;
using testing::TestStream;
using Outcome = FrameTaker::Outcome;

constexpr GenerationId kSecond{2};

/// Takes one frame and gives it back at once; its sequence, 0 when there was none.
std::uint64_t take(TestConsumer& consumer, std::uint64_t* skipped = nullptr) {
  FrameTaker::Taken taken;
  if (consumer.taker.try_take(taken) != Outcome::kTaken) return 0;
  consumer.writer.let_go(GenerationId{taken.record.generation}, taken.record.slot, 0);
  if (skipped != nullptr) *skipped = taken.skipped;
  return taken.record.sequence;
}

void publish(TestStream& stream, int count) {
  for (int i = 0; i < count; ++i) ASSERT_TRUE(stream.publish());
}

TEST(FrameTaker, ReadsNothingBeforeItIsAdmitted) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_stranger(ConsumerMode::kLatest);
  publish(stream, 1);
  FrameTaker::Taken taken;
  EXPECT_EQ(consumer.taker.try_take(taken), Outcome::kNotAdmitted);
  StreamPageWriter(*stream.page).admit(consumer.view.index, consumer.view.id);
  EXPECT_EQ(consumer.taker.try_take(taken), Outcome::kTaken);
}

TEST(FrameTaker, ReadsAnOrphanWithoutBeingAdmitted) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_stranger(ConsumerMode::kLatest);
  publish(stream, 3);
  consumer.taker.set_orphaned(true);
  EXPECT_EQ(take(consumer), 3u);
}

// Broker and producer died before anybody else had the images of the newest generation.
TEST(FrameTaker, ReadsTheNewestFrameThatIsLeftOfAnOrphan) {
  for (const ConsumerMode mode : {ConsumerMode::kLatest, ConsumerMode::kEvery}) {
    TestStream stream(4);
    publish(stream, 3);
    stream.chooser.start_generation(kSecond, 4);
    publish(stream, 2);
    TestConsumer& consumer = stream.add_stranger(mode, 4);
    consumer.taker.set_orphaned(true);
    EXPECT_EQ(take(consumer), 3u);
    EXPECT_EQ(take(consumer), 0u);
    consumer.taker.add_generation(kSecond, 4, kWidthPx, kHeightPx);  // it comes after all
    EXPECT_EQ(take(consumer), mode == ConsumerMode::kLatest ? 5u : 4u);
  }
}

TEST(FrameTaker, LatestTakesTheNewestAndCountsTheRest) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  std::uint64_t skipped = 99;
  EXPECT_EQ(take(consumer), 0u);
  publish(stream, 1);
  EXPECT_EQ(take(consumer, &skipped), 1u);
  EXPECT_EQ(skipped, 0u);
  EXPECT_EQ(take(consumer), 0u) << "the same frame is not taken twice";
  publish(stream, 7);
  EXPECT_EQ(take(consumer, &skipped), 8u);
  EXPECT_EQ(skipped, 6u);
}

TEST(FrameTaker, ALateOneStartsWithTheNewestAndHasSkippedNothing) {
  for (const ConsumerMode mode : {ConsumerMode::kLatest, ConsumerMode::kEvery}) {
    TestStream stream(8);
    publish(stream, 100);
    TestConsumer& consumer = stream.add_consumer(mode, 4);
    std::uint64_t skipped = 99;
    EXPECT_EQ(take(consumer, &skipped), 100u);
    EXPECT_EQ(skipped, 0u);
  }
}

TEST(FrameTaker, TheHoldIsOnThePageUntilItIsLetGo) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  publish(stream, 1);
  FrameTaker::Taken taken;
  ASSERT_EQ(consumer.taker.try_take(taken), Outcome::kTaken);
  EXPECT_TRUE(consumer.view.page.holds(kFirst, taken.record.slot));
  EXPECT_EQ(consumer.view.page.cursor(), 1u);
  consumer.writer.let_go(kFirst, taken.record.slot, 0);
  EXPECT_FALSE(consumer.view.page.holds(kFirst, taken.record.slot));
}

TEST(FrameTaker, EveryTakesThemInOrder) {
  TestStream stream(8);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 4);
  EXPECT_EQ(take(consumer), 0u);  // starts to read
  publish(stream, 4);
  std::uint64_t skipped = 99;
  for (std::uint64_t expected = 1; expected <= 4; ++expected) {
    EXPECT_EQ(take(consumer, &skipped), expected);
    EXPECT_EQ(skipped, 0u);
  }
  EXPECT_EQ(take(consumer), 0u);
}

TEST(FrameTaker, EveryCountsWhatItsQueueDropped) {
  TestStream stream(8);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 4);
  EXPECT_EQ(take(consumer), 0u);
  publish(stream, 10);
  std::uint64_t skipped = 99;
  EXPECT_EQ(take(consumer, &skipped), 7u);
  EXPECT_EQ(skipped, 6u) << "frames 1 to 6 came while it read";
  publish(stream, 3);
  EXPECT_EQ(take(consumer, &skipped), 10u);
  EXPECT_EQ(skipped, 2u);
  EXPECT_EQ(take(consumer, &skipped), 11u);
  EXPECT_EQ(skipped, 0u);
}

TEST(FrameTaker, EveryGoesOnBehindAFrameThatIsBeingOverwritten) {
  TestStream stream(8);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 4);
  EXPECT_EQ(take(consumer), 0u);
  publish(stream, 3);
  const auto second = StreamPageReader(*stream.page).read(2);
  EXPECT_EQ(take(consumer), 1u);
  StreamPageWriter(*stream.page).begin_overwrite(kFirst, second->slot);
  std::uint64_t skipped = 99;
  EXPECT_EQ(take(consumer, &skipped), 3u);
  EXPECT_EQ(skipped, 1u);
  EXPECT_FALSE(consumer.view.page.holds(kFirst, second->slot));
}

TEST(FrameTaker, EveryFindsTheNewestWhenTheRingWentPastIt) {
  TestStream stream(8);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 4);
  EXPECT_EQ(take(consumer), 0u);
  stream.retire(consumer);  // so that its window is not kept
  publish(stream, 3 * static_cast<int>(kRingFrames));
  std::uint64_t skipped = 99;
  const std::uint64_t taken = take(consumer, &skipped);
  EXPECT_GE(taken, stream.newest - 3);
  EXPECT_EQ(skipped, taken - 1);
}

TEST(FrameTaker, BlockPassesNothingOverThatPipelinedFramesPushedBeyondTheQueue) {
  TestStream stream(8, QueuePolicy::kBlock);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 2);
  EXPECT_EQ(take(consumer), 0u);
  ASSERT_TRUE(stream.publish());
  const auto first = stream.choose(), second = stream.choose();  // two in flight before the queue is full
  ASSERT_TRUE(first && second);
  stream.chooser.publish(stream.next_record(first->slot));
  stream.chooser.publish(stream.next_record(second->slot));
  for (std::uint64_t expected = 1; expected <= 3; ++expected) EXPECT_EQ(take(consumer), expected);
}

TEST(FrameTaker, BlockFindsTheFirstFrameOfASuccessorBehindALongGap) {
  TestStream stream(8, QueuePolicy::kBlock);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 2);
  publish(stream, 1);
  ASSERT_EQ(take(consumer), 1u);

  TestStream successor(8, QueuePolicy::kBlock);
  successor.newest = 500;  // frames 2 to 500 went with the producer that died
  StreamPageWriter(*successor.page).admit(consumer.view.index, consumer.view.id);
  publish(successor, 1);
  consumer.taker.switch_producer(StreamPageReader(*successor.page), QueuePolicy::kBlock);
  std::uint64_t skipped = 0;
  EXPECT_EQ(take(consumer, &skipped), 501u);
  EXPECT_EQ(skipped, 499u);
}

TEST(FrameTaker, StartingWithASuccessorHasSkippedNothing) {
  TestStream stream(8);
  stream.newest = 500;
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 4);
  EXPECT_EQ(take(consumer), 0u);
  publish(stream, 2);
  std::uint64_t skipped = 99;
  EXPECT_EQ(take(consumer, &skipped), 501u);
  EXPECT_EQ(skipped, 0u);
}

TEST(FrameTaker, WaitsForAGenerationThatIsOnItsWay) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  publish(stream, 1);
  EXPECT_EQ(take(consumer), 1u);
  stream.chooser.start_generation(kSecond, 4);
  publish(stream, 1);
  FrameTaker::Taken taken;
  EXPECT_EQ(consumer.taker.try_take(taken), Outcome::kGenerationLate);
  consumer.taker.add_generation(kSecond, 4, 32, 32);
  EXPECT_EQ(take(consumer), 2u);
}

TEST(FrameTaker, PassesOverFramesOfAGenerationThatItNeverGot) {
  for (const ConsumerMode mode : {ConsumerMode::kLatest, ConsumerMode::kEvery}) {
    TestStream stream(8, QueuePolicy::kBlock);
    TestConsumer& consumer = stream.add_consumer(mode, 2);
    consumer.taker.remove_generation(kFirst);  // attached to the second one, which the producer does not use yet
    consumer.taker.add_generation(kSecond, 8, kWidthPx, kHeightPx);
    for (int i = 0; i < 6; ++i) {
      ASSERT_TRUE(stream.publish()) << "frames that nobody will read must not fill a queue";
      EXPECT_EQ(take(consumer), 0u);
    }
    stream.chooser.start_generation(kSecond, 8);
    publish(stream, 1);
    EXPECT_EQ(take(consumer), 7u);
  }
}

TEST(FrameTaker, KnowsTheLastEightGenerations) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  for (std::uint32_t g = 2; g <= 1 + FrameTaker::kMaxGenerations; ++g)
    consumer.taker.add_generation(GenerationId{g}, 4, kWidthPx, kHeightPx);
  publish(stream, 1);  // of generation 1, the oldest, now forgotten
  EXPECT_EQ(take(consumer), 0u);
  stream.chooser.start_generation(kSecond, 4);
  publish(stream, 1);
  EXPECT_EQ(take(consumer), 2u);
}

/// A resize at which the consumer does not look.
void resize(TestStream& stream, TestConsumer& consumer, std::uint32_t g) {
  consumer.taker.add_generation(GenerationId{g}, 4, kWidthPx, kHeightPx);
  stream.chooser.start_generation(GenerationId{g}, 4);
}

std::uint32_t count_known(const FrameTaker& taker, std::uint32_t newest) {
  std::uint32_t known = 0;
  for (std::uint32_t g = 1; g <= newest; ++g) known += taker.knows(GenerationId{g}) ? 1 : 0;
  return known;
}

TEST(FrameTaker, ForgetsGenerationsOlderThanEveryFrameToCome) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  publish(stream, 1);
  for (std::uint32_t g = 2; g <= 200; ++g) {
    resize(stream, consumer, g);
    EXPECT_EQ(count_known(consumer.taker, g), 2u) << "that of the newest frame, and the one to come";
    publish(stream, 1);
  }
  EXPECT_EQ(take(consumer), 200u);
}

TEST(FrameTaker, KnowsTheGenerationOfTheFrameOnShowHoweverManyCome) {
  for (const ConsumerMode mode : {ConsumerMode::kLatest, ConsumerMode::kEvery}) {
    TestStream stream(4);
    TestConsumer& consumer = stream.add_consumer(mode, 4);
    publish(stream, 1);
    for (std::uint32_t g = 2; g <= 200; ++g) consumer.taker.add_generation(GenerationId{g}, 4, kWidthPx, kHeightPx);
    EXPECT_EQ(count_known(consumer.taker, 200), FrameTaker::kMaxGenerations);
    EXPECT_EQ(take(consumer), 1u);
    stream.chooser.start_generation(GenerationId{200}, 4);
    publish(stream, 1);
    EXPECT_EQ(take(consumer), 2u);
  }
}

TEST(FrameTaker, EveryKnowsTheGenerationsOfAllUnreadFrames) {
  TestStream stream(4, QueuePolicy::kBlock);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 8);
  publish(stream, 1);
  ASSERT_EQ(take(consumer), 1u);
  for (std::uint32_t g = 2; g <= 5; ++g) {
    resize(stream, consumer, g);
    publish(stream, 1);
  }
  for (std::uint32_t g = 6; g <= 50; ++g) consumer.taker.add_generation(GenerationId{g}, 4, kWidthPx, kHeightPx);
  EXPECT_FALSE(consumer.taker.knows(kFirst)) << "its only frame was taken";
  for (std::uint64_t sequence = 2; sequence <= 5; ++sequence) EXPECT_EQ(take(consumer), sequence);
}

TEST(FrameTaker, ALyingProducerMakesItForgetNothingButItsOwnFrames) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  FrameRecord record = stream.next_record(0, GenerationId{~0U});
  record.slot = ~0U;
  FrameCell& cell = stream.page->ring[1];
  std::uint64_t words[std::size(FrameCell{}.words)];
  std::memcpy(words, &record, sizeof words);
  std::copy(std::begin(words), std::end(words), std::begin(cell.words));
  cell.sequence = 1;
  for (const std::uint64_t published : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
    stream.page->published = published;
    for (std::uint32_t g = 2; g <= 20; ++g) {
      consumer.taker.add_generation(GenerationId{g}, 4, kWidthPx, kHeightPx);
      EXPECT_TRUE(consumer.taker.knows(GenerationId{g})) << published;
    }
  }
}

TEST(FrameTaker, RefusesARecordThatDoesNotFitItsGeneration) {
  auto outcome_of = [](auto spoil) {
    TestStream stream(4);
    TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
    FrameRecord record = stream.next_record(0);
    spoil(record);
    StreamPageWriter(*stream.page).publish(record);
    FrameTaker::Taken taken;
    return consumer.taker.try_take(taken);
  };
  EXPECT_EQ(outcome_of([](FrameRecord&) {}), Outcome::kTaken);
  EXPECT_EQ(outcome_of([](FrameRecord& r) { r.slot = 4; }), Outcome::kRubbish);  // of four
  EXPECT_EQ(outcome_of([](FrameRecord& r) { r.crop = {0, 0, kWidthPx + 1, 1}; }), Outcome::kRubbish);
  EXPECT_EQ(outcome_of([](FrameRecord& r) { r.orientation = Orientation{0}; }), Outcome::kRubbish);
  EXPECT_EQ(outcome_of([](FrameRecord& r) { r.damage_count = 1000; }), Outcome::kRubbish);
}

TEST(FrameTaker, ASequenceThatIsNotThereDoesNotKeepItLooking) {
  for (const ConsumerMode mode : {ConsumerMode::kLatest, ConsumerMode::kEvery}) {
    for (const QueuePolicy policy : {QueuePolicy::kDrop, QueuePolicy::kBlock}) {
      TestStream stream(4, policy);
      TestConsumer& consumer = stream.add_consumer(mode, 4);
      publish(stream, 1);
      EXPECT_EQ(take(consumer), 1u);
      stream.page->published.store(std::uint64_t{1} << 63);
      EXPECT_EQ(take(consumer), 0u);
      stream.page->published.store(~std::uint64_t{0});
      EXPECT_EQ(take(consumer), 0u);
    }
  }
}

TEST(FrameTaker, GoesOnInTheSuccessorsPage) {
  TestStream stream(4);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  publish(stream, 5);
  EXPECT_EQ(take(consumer), 5u);

  TestStream successor(4);
  successor.newest = 5;
  consumer.taker.switch_producer(StreamPageReader(*successor.page), QueuePolicy::kDrop);
  FrameTaker::Taken taken;
  EXPECT_EQ(consumer.taker.try_take(taken), Outcome::kNotAdmitted);
  StreamPageWriter(*successor.page).admit(consumer.view.index, consumer.view.id);
  EXPECT_EQ(consumer.taker.try_take(taken), Outcome::kNothing);
  publish(successor, 2);
  std::uint64_t skipped = 99;
  EXPECT_EQ(take(consumer, &skipped), 7u);
  EXPECT_EQ(skipped, 1u);
}

TEST(FrameTaker, KeepsToTheSuccessorsPolicy) {
  for (const QueuePolicy policy : {QueuePolicy::kDrop, QueuePolicy::kBlock}) {
    TestStream stream(8, policy == QueuePolicy::kDrop ? QueuePolicy::kBlock : QueuePolicy::kDrop);
    TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 2);
    publish(stream, 1);
    ASSERT_EQ(take(consumer), 1u);
    TestStream successor(8, policy);
    successor.newest = 1;
    StreamPageWriter(*successor.page).admit(consumer.view.index, consumer.view.id);
    consumer.taker.switch_producer(StreamPageReader(*successor.page), policy);
    publish(successor, 3);
    // Of three unread frames: to drop means that the queue keeps two, to block that none is passed over.
    EXPECT_EQ(take(consumer), policy == QueuePolicy::kDrop ? 3u : 2u);
  }
}

TEST(FrameTaker, ShowsNoQueueBeforeItReads) {
  TestStream stream(4, QueuePolicy::kBlock);
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kEvery, 1);
  EXPECT_EQ(consumer.view.page.cursor(), FrameTaker::kNotReading);
  publish(stream, 3);
  EXPECT_EQ(take(consumer), 3u);
  EXPECT_EQ(consumer.view.page.cursor(), 3u);
}

// ---- consumers of another trust domain --------------------------------------------------------------

struct Outsider : ::testing::Test {
  TestStream stream{4};
  TestConsumer& consumer = stream.add_consumer(ConsumerMode::kLatest);
  StreamPageWriter page{*stream.page};
  void SetUp() override { consumer.taker.set_completed_only(true); }
  void complete(std::uint64_t sequence) {
    stream.chooser.keep_on_show(sequence);
    page.complete(sequence);
  }
};

TEST_F(Outsider, TakesNothingThatTheGpuHasNotFinished) {
  publish(stream, 2);
  EXPECT_EQ(take(consumer), 0u);
  complete(1);
  EXPECT_EQ(take(consumer), 1u);
  EXPECT_EQ(take(consumer), 0u);
  complete(2);
  EXPECT_EQ(take(consumer), 2u);
}

TEST_F(Outsider, TakesWhatItHasAFenceFor) {
  publish(stream, 2);
  consumer.taker.set_fenced(1);
  EXPECT_EQ(take(consumer), 1u);
  EXPECT_EQ(take(consumer), 0u);
  complete(2);
  EXPECT_EQ(take(consumer), 2u) << "or what is complete, whatever fences came";
  consumer.taker.set_fenced(1'000'000);
  EXPECT_EQ(take(consumer), 0u) << "a fence comes before its frame";
  publish(stream, 1);
  EXPECT_EQ(take(consumer), 3u);
}

TEST_F(Outsider, FindsTheNewestFinishedFrameStillOnShow) {
  publish(stream, 1);
  complete(1);
  publish(stream, 20);  // a GPU that lags far behind
  EXPECT_EQ(take(consumer), 1u);
  complete(21);
  publish(stream, 3);
  EXPECT_EQ(take(consumer), 21u);
}

TEST_F(Outsider, IsNotLedBeyondWhatIsPublished) {
  publish(stream, 1);
  page.complete(~std::uint64_t{0});
  EXPECT_EQ(take(consumer), 1u);
  EXPECT_EQ(take(consumer), 0u);
}

TEST_F(Outsider, CountsWhatItNeverSaw) {
  std::uint64_t skipped = 0;
  publish(stream, 1);
  complete(1);
  EXPECT_EQ(take(consumer, &skipped), 1u);
  publish(stream, 3);
  complete(4);
  EXPECT_EQ(take(consumer, &skipped), 4u);
  EXPECT_EQ(skipped, 2u);
}

}  // namespace
}  // namespace ferry::proto
