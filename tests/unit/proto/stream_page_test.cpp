#include "proto/pages/stream_page.h"

#include <gtest/gtest.h>

#include <memory>

namespace ferry::proto {
namespace {

struct StreamPages : testing::Test {
  std::unique_ptr<StreamPage> page = std::make_unique<StreamPage>();
  StreamPageWriter writer{*page};
  StreamPageReader reader{*page};

  static FrameRecord record(std::uint64_t sequence, std::uint32_t slot = 0, std::uint32_t generation = 1) {
    FrameRecord record{};
    record.sequence = sequence;
    record.slot = slot;
    record.generation = generation;
    record.user_size_bytes = 2;
    record.user[0] = static_cast<std::uint8_t>(sequence);
    record.user[1] = 0x5a;
    return record;
  }
};

TEST_F(StreamPages, AnEmptyRingHasNoFrame) {
  EXPECT_EQ(reader.published(), 0u);
  EXPECT_FALSE(reader.read(0));
  EXPECT_FALSE(reader.read(1));
  EXPECT_EQ(reader.first_sequence(), 0u);
}

TEST_F(StreamPages, AFrameReadsAsItWasWritten) {
  writer.publish(record(1, 5));
  const auto read = reader.read(1);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->slot, 5u);
  EXPECT_EQ(read->user[1], 0x5a);
  EXPECT_EQ(reader.published(), 1u);
  EXPECT_EQ(reader.slot_sequence(GenerationId{1}, 5), 1u);
  EXPECT_FALSE(reader.read(2));
}

TEST_F(StreamPages, PublishingMovesTheDoorbell) {
  const std::uint32_t before = page->doorbell.load();
  writer.publish(record(1));
  EXPECT_NE(page->doorbell.load(), before);
}

TEST_F(StreamPages, TheRingKeepsTheLastFramesOverManyRounds) {
  constexpr std::uint64_t kLast = 5 * kRingFrames + 7;
  for (std::uint64_t sequence = 1; sequence <= kLast; ++sequence) {
    writer.publish(record(sequence, static_cast<std::uint32_t>(sequence % 8)));
    const std::uint64_t oldest = sequence > kRingFrames ? sequence - kRingFrames + 1 : 1;
    for (std::uint64_t kept = oldest; kept <= sequence; ++kept) {
      const auto read = reader.read(kept);
      ASSERT_TRUE(read) << kept << " after " << sequence;
      ASSERT_EQ(read->sequence, kept);
      ASSERT_EQ(read->user[0], static_cast<std::uint8_t>(kept));
    }
    ASSERT_FALSE(reader.read(oldest - 1)) << "a lapped frame after " << sequence;
  }
}

TEST_F(StreamPages, APageThatContradictsItselfHasNoFrame) {
  writer.publish(record(3));
  page->ring[4].sequence.store(4);  // says 4, contains nothing of the kind
  EXPECT_FALSE(reader.read(4));
}

TEST_F(StreamPages, TheFirstFrameOfAProducerStaysKnown) {
  writer.publish(record(100));
  writer.publish(record(101));
  EXPECT_EQ(reader.first_sequence(), 100u);
}

TEST_F(StreamPages, OverwritingTakesAFrameOffShowAndRestoringBringsItBack) {
  writer.publish(record(1, 2));
  EXPECT_EQ(writer.begin_overwrite(GenerationId{1}, 2), 1u);
  EXPECT_EQ(reader.slot_sequence(GenerationId{1}, 2), 0u);
  writer.restore(GenerationId{1}, 2, 1);
  EXPECT_EQ(reader.slot_sequence(GenerationId{1}, 2), 1u);
}

TEST_F(StreamPages, AGenerationTakesNoFrameOfItsPredecessorsOffShow) {
  for (std::uint32_t g = 1; g < kGenerationsOnPage; ++g) writer.publish(record(g, 2, g));
  writer.start_generation(GenerationId{kGenerationsOnPage});
  for (std::uint32_t g = 1; g < kGenerationsOnPage; ++g) EXPECT_EQ(reader.slot_sequence(GenerationId{g}, 2), g);
  writer.start_generation(GenerationId{kGenerationsOnPage + 1});  // in the place of generation 1
  EXPECT_EQ(reader.slot_sequence(GenerationId{kGenerationsOnPage + 1}, 2), 0u);
}

TEST_F(StreamPages, OnlyTheLeaseThatWasAdmittedIs) {
  EXPECT_FALSE(reader.is_admitted(7, LeaseId{30}));
  writer.admit(7, LeaseId{30});
  EXPECT_TRUE(reader.is_admitted(7, LeaseId{30}));
  EXPECT_FALSE(reader.is_admitted(7, LeaseId{31}));
  EXPECT_FALSE(reader.is_admitted(6, LeaseId{30}));
}

}  // namespace
}  // namespace ferry::proto
