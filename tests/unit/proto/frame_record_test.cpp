#include "proto/frame_record.h"

#include <gtest/gtest.h>

#include <limits>

namespace ferry::proto {
namespace {

constexpr std::uint32_t kWidth = 640, kHeight = 480;
constexpr std::uint32_t kHuge = std::numeric_limits<std::uint32_t>::max();

FrameRecord good_record() {
  FrameRecord record{};
  record.sequence = 1;
  record.generation = 1;
  record.orientation = Orientation::kNormal;
  return record;
}

bool valid(const FrameRecord& record) { return frame_record_valid(record, kWidth, kHeight); }

TEST(FrameRecord, TheLeastOneIsValid) { EXPECT_TRUE(valid(good_record())); }

TEST(FrameRecord, NeedsSequenceAndGeneration) {
  auto record = good_record();
  record.sequence = 0;
  EXPECT_FALSE(valid(record));
  record = good_record();
  record.generation = 0;
  EXPECT_FALSE(valid(record));
}

TEST(FrameRecord, SlotIsBelowTheLimit) {
  auto record = good_record();
  record.slot = kMaxSlots - 1;
  EXPECT_TRUE(valid(record));
  record.slot = kMaxSlots;
  EXPECT_FALSE(valid(record));
}

TEST(FrameRecord, CountsAreWithinTheirArrays) {
  auto record = good_record();
  record.damage_count = kMaxDamageRects;
  record.user_size_bytes = kMaxUserBytes;
  EXPECT_TRUE(valid(record));
  record.damage_count = kMaxDamageRects + 1;
  EXPECT_FALSE(valid(record));
  record.damage_count = 0;
  record.user_size_bytes = kMaxUserBytes + 1;
  EXPECT_FALSE(valid(record));
}

TEST(FrameRecord, EnumsHaveAMeaning) {
  auto with = [](auto set) {
    auto record = good_record();
    set(record);
    return valid(record);
  };
  EXPECT_FALSE(with([](FrameRecord& r) { r.orientation = Orientation{0}; }));
  EXPECT_TRUE(with([](FrameRecord& r) { r.orientation = Orientation{8}; }));
  EXPECT_FALSE(with([](FrameRecord& r) { r.orientation = Orientation{9}; }));
  EXPECT_TRUE(with([](FrameRecord& r) { r.alpha = AlphaMode::kStraight; }));
  EXPECT_FALSE(with([](FrameRecord& r) { r.alpha = AlphaMode{3}; }));
  EXPECT_TRUE(with([](FrameRecord& r) { r.primaries = ColourPrimaries::kBt2020; }));
  EXPECT_FALSE(with([](FrameRecord& r) { r.primaries = ColourPrimaries{3}; }));
  EXPECT_TRUE(with([](FrameRecord& r) { r.transfer = TransferFunction::kGamma22; }));
  EXPECT_FALSE(with([](FrameRecord& r) { r.transfer = TransferFunction{5}; }));
  EXPECT_TRUE(with([](FrameRecord& r) { r.range = ColourRange::kLimited; }));
  EXPECT_FALSE(with([](FrameRecord& r) { r.range = ColourRange{255}; }));
}

TEST(FrameRecord, RectanglesLieInsideTheImage) {
  auto with_crop = [](Rect crop) {
    auto record = good_record();
    record.crop = crop;
    return valid(record);
  };
  EXPECT_TRUE(with_crop({0, 0, kWidth, kHeight}));
  EXPECT_TRUE(with_crop({kWidth, kHeight, 0, 0}));
  EXPECT_TRUE(with_crop({kWidth - 1, kHeight - 1, 1, 1}));
  EXPECT_FALSE(with_crop({0, 0, kWidth + 1, 1}));
  EXPECT_FALSE(with_crop({0, 0, 1, kHeight + 1}));
  EXPECT_FALSE(with_crop({1, 0, kWidth, 1}));
  EXPECT_FALSE(with_crop({0, 1, 1, kHeight}));
  EXPECT_FALSE(with_crop({kWidth + 1, 0, 0, 0}));
  EXPECT_FALSE(with_crop({1, 1, kHuge, 1}));  // x + width wraps around to 0
  EXPECT_FALSE(with_crop({kHuge, 0, 1, 1}));
  EXPECT_FALSE(with_crop({0, kHuge, 1, 1}));
}

TEST(FrameRecord, OnlyDamageThatCountsIsChecked) {
  auto record = good_record();
  record.damage[0] = {0, 0, 10, 10};
  record.damage[1] = {kHuge, 0, 1, 1};
  record.damage_count = 1;
  EXPECT_TRUE(valid(record));
  record.damage_count = 2;
  EXPECT_FALSE(valid(record));
}

}  // namespace
}  // namespace ferry::proto
