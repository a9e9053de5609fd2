#include "proto/slot_chooser.h"

#include <gtest/gtest.h>

#include <set>

#include "test_stream.h"

namespace ferry::proto {
namespace {

using testing::kFirst;
using testing::TestConsumer;
using testing::TestStream;

StreamPageReader reader(const TestStream& stream) { return StreamPageReader(*stream.page); }

TEST(SlotChooser, UsesFreshSlotsBeforeItOverwritesFrames) {
  TestStream stream(4);
  std::set<std::uint32_t> used;
  for (int i = 0; i < 4; ++i) used.insert(stream.publish().value());
  EXPECT_EQ(used.size(), 4u);
}

TEST(SlotChooser, ThenTakesTheOldestFrame) {
  TestStream stream(3);
  std::vector<std::uint32_t> order;
  for (int i = 0; i < 3; ++i) order.push_back(stream.publish().value());
  for (int i = 0; i < 9; ++i) {
    const auto choice = stream.choose();
    ASSERT_TRUE(choice);
    EXPECT_EQ(choice->slot, order[static_cast<std::size_t>(i % 3)]);
    EXPECT_EQ(choice->previous_sequence, stream.newest - 2);
    stream.chooser.publish(stream.next_record(choice->slot));
  }
}

TEST(SlotChooser, NeverTakesTheNewestFrame) {
  TestStream stream(2);
  const auto first = stream.publish(), second = stream.publish();
  ASSERT_TRUE(first && second);
  const auto choice = stream.choose();
  ASSERT_TRUE(choice);
  EXPECT_EQ(choice->slot, *first);
  EXPECT_FALSE(stream.choose()) << "the only slot left is on show";
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, *second), stream.newest);
}

TEST(SlotChooser, SkipsASlotThatAConsumerHolds) {
  TestStream stream(3);
  TestConsumer& viewer = stream.add_consumer(ConsumerMode::kLatest);
  const std::uint32_t held = stream.publish().value();
  FrameTaker::Taken taken;
  ASSERT_EQ(viewer.taker.try_take(taken), FrameTaker::Outcome::kTaken);
  for (int i = 0; i < 20; ++i) EXPECT_NE(stream.publish(), held);
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, held), 1u) << "a held frame stays on show";

  viewer.writer.let_go(kFirst, held, 0);
  EXPECT_EQ(stream.publish(), held);
}

TEST(SlotChooser, SaysWhoIsInTheWayWhenNothingIsFree) {
  TestStream stream(3);
  TestConsumer& holder = stream.add_consumer(ConsumerMode::kLatest);
  TestConsumer& bystander = stream.add_consumer(ConsumerMode::kLatest);
  TestConsumer& another = stream.add_consumer(ConsumerMode::kLatest);
  FrameTaker::Taken taken;
  ASSERT_TRUE(stream.publish());
  ASSERT_EQ(holder.taker.try_take(taken), FrameTaker::Outcome::kTaken);
  ASSERT_TRUE(stream.publish());
  ASSERT_EQ(another.taker.try_take(taken), FrameTaker::Outcome::kTaken);
  ASSERT_TRUE(stream.publish());
  EXPECT_FALSE(stream.choose());
  EXPECT_TRUE(stream.blocks(holder));
  EXPECT_TRUE(stream.blocks(another));
  EXPECT_FALSE(stream.blocks(bystander));
}

TEST(SlotChooser, BlockersReachTheLastLeaseIndex) {
  TestStream stream(3);
  TestConsumer& holder = stream.add_consumer(ConsumerMode::kLatest);
  const LeaseId id{900};
  stream.views[0].index = kMaxLeases - 1;
  stream.views[0].id = id;
  VerdictPageWriter(*stream.verdict).set_lease(kMaxLeases - 1, id);
  for (std::uint32_t slot = 0; slot < 3; ++slot) holder.writer.hold(kFirst, slot);
  EXPECT_FALSE(stream.choose());
  EXPECT_EQ(stream.blockers[kMaxLeases / 64 - 1], std::uint64_t{1} << 63);
}

TEST(SlotChooser, IgnoresTheHoldsOfARetiredLease) {
  TestStream stream(3);
  TestConsumer& dead = stream.add_consumer(ConsumerMode::kLatest);
  for (std::uint32_t slot = 0; slot < 3; ++slot) dead.writer.hold(kFirst, slot);
  ASSERT_FALSE(stream.choose());
  stream.retire(dead);
  EXPECT_TRUE(stream.choose());
  EXPECT_FALSE(stream.blocks(dead));
}

TEST(SlotChooser, IgnoresHoldsOfOtherGenerations) {
  TestStream stream(3);
  TestConsumer& viewer = stream.add_consumer(ConsumerMode::kLatest);
  for (std::uint32_t slot = 0; slot < 3; ++slot) viewer.writer.hold(kFirst, slot);
  stream.chooser.start_generation(GenerationId{2}, 3);
  EXPECT_TRUE(stream.choose());
}

TEST(SlotChooser, DropKeepsTheWindowOfARecorderAndNoMore) {
  TestStream stream(4);  // the window, and one to draw into
  TestConsumer& recorder = stream.add_consumer(ConsumerMode::kEvery, 3);
  recorder.writer.set_cursor(0);  // reads, and has read nothing
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(stream.publish()) << "a recorder that is behind stops nobody";
    for (std::uint64_t back = 0; back < 3 && back < stream.newest; ++back) {
      const auto record = reader(stream).read(stream.newest - back);
      ASSERT_TRUE(record);
      EXPECT_EQ(reader(stream).slot_sequence(kFirst, record->slot), record->sequence);
    }
  }
}

TEST(SlotChooser, DropHasNoSlotWhenTheWindowIsThePool) {
  TestStream stream(3);
  TestConsumer& recorder = stream.add_consumer(ConsumerMode::kEvery, 3);
  recorder.writer.set_cursor(0);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.publish());
  EXPECT_FALSE(stream.choose());
  EXPECT_TRUE(stream.blocks(recorder));
  recorder.writer.set_cursor(1);
  EXPECT_TRUE(stream.choose());
}

TEST(SlotChooser, BlockStopsAtAFullQueueAndGoesOnWhenItMoves) {
  TestStream stream(8, QueuePolicy::kBlock);
  TestConsumer& recorder = stream.add_consumer(ConsumerMode::kEvery, 2);
  TestConsumer& viewer = stream.add_consumer(ConsumerMode::kLatest);
  recorder.writer.set_cursor(0);
  ASSERT_TRUE(stream.publish());
  ASSERT_TRUE(stream.publish());
  EXPECT_FALSE(stream.choose());
  EXPECT_TRUE(stream.blocks(recorder));
  EXPECT_FALSE(stream.blocks(viewer));
  recorder.writer.set_cursor(1);
  EXPECT_TRUE(stream.choose());
}

TEST(SlotChooser, BlockNeverOverwritesWhatARecorderHasNotRead) {
  TestStream stream(5, QueuePolicy::kBlock);
  TestConsumer& recorder = stream.add_consumer(ConsumerMode::kEvery, 4);
  recorder.writer.set_cursor(0);
  while (stream.publish()) {
  }
  EXPECT_EQ(stream.newest, 4u);
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence)
    EXPECT_EQ(reader(stream).slot_sequence(kFirst, reader(stream).read(sequence)->slot), sequence);
}

TEST(SlotChooser, ALeaseThatDoesNotReadYetBlocksNothing) {
  TestStream stream(3, QueuePolicy::kBlock);
  stream.add_consumer(ConsumerMode::kEvery, 1);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(stream.publish());
}

TEST(SlotChooser, PrefersSlotsThatNoGpuReads) {
  TestStream stream(5);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(stream.publish());
  stream.reads.of_slot[0] = Reads::kPending;
  stream.reads.of_slot[1] = Reads::kPending;
  for (int i = 0; i < 20; ++i) EXPECT_GE(stream.publish().value(), 2u) << "a queue would wait for a reader that may never end";

  for (const std::uint32_t slot : {2u, 3u, 4u}) stream.reads.of_slot[slot] = Reads::kPending;
  EXPECT_EQ(stream.publish(), 0u) << "all are being read: the oldest frame's";
  EXPECT_EQ(stream.publish(), 1u);
}

TEST(SlotChooser, TakesNoSlotOfAConsumerWhoseGpuIsStuck) {
  TestStream stream(3);
  TestConsumer& viewer = stream.add_consumer(ConsumerMode::kLatest);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.publish());
  stream.reads.of_slot[0] = Reads::kStuck;
  stream.reads.of_slot[1] = Reads::kStuck;
  EXPECT_FALSE(stream.choose());
  EXPECT_TRUE(stream.blocks(viewer));
  stream.reads.of_slot[1] = Reads::kPending;
  EXPECT_EQ(stream.publish(), 1u);
}

TEST(SlotChooser, ABegunSlotIsNotChosenTwice) {
  TestStream stream(4);
  std::set<std::uint32_t> begun;
  for (int i = 0; i < 4; ++i) begun.insert(stream.choose().value().slot);
  EXPECT_EQ(begun.size(), 4u);
  EXPECT_FALSE(stream.choose());
}

TEST(SlotChooser, CancellingUntouchedBringsTheOldFrameBack) {
  TestStream stream(2);
  const std::uint32_t oldest = stream.publish().value();
  ASSERT_TRUE(stream.publish());
  const auto choice = stream.choose();
  ASSERT_TRUE(choice);
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, oldest), 0u);
  stream.chooser.cancel(kFirst, *choice, false);
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, oldest), 1u);
  EXPECT_EQ(stream.choose()->previous_sequence, 1u);
}

TEST(SlotChooser, CancellingWhatWasDrawnLosesTheOldFrame) {
  TestStream stream(3);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream.publish());
  const auto choice = stream.choose();
  ASSERT_TRUE(choice);
  stream.chooser.cancel(kFirst, *choice, true);
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, choice->slot), 0u);
  const auto again = stream.choose();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->slot, choice->slot) << "an empty slot is the first choice";
  EXPECT_EQ(again->previous_sequence, 0u);
}

TEST(SlotChooser, AFrameOfTheOldGenerationMayStillBePublished) {
  TestStream stream(3);
  ASSERT_TRUE(stream.publish());
  const auto begun = stream.choose();
  ASSERT_TRUE(begun);
  stream.chooser.start_generation(GenerationId{2}, 3);
  stream.chooser.publish(stream.next_record(begun->slot, kFirst));
  EXPECT_EQ(reader(stream).published(), 2u);
  EXPECT_EQ(reader(stream).slot_sequence(kFirst, begun->slot), 2u);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(stream.choose()) << "the new generation's slots are all fresh";
}

}  // namespace
}  // namespace ferry::proto
