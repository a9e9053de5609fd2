#include "client/cli/frame_pacer.h"

#include <gtest/gtest.h>

namespace ferry::cli {
namespace {

constexpr std::int64_t kMs = 1'000'000;

TEST(FramePacer, DoesNotDriftWithTheTimeAFrameTakes) {
  FramePacer pacer(100, 0);
  for (int i = 1; i <= 50; ++i) {
    pacer.advance(pacer.due_ns() + 3 * kMs);
    EXPECT_EQ(pacer.due_ns(), i * 10 * kMs);
  }
}

TEST(FramePacer, CatchesUpWithinAPeriod) {
  FramePacer pacer(100, 0);
  pacer.advance(14 * kMs);
  EXPECT_EQ(pacer.due_ns(), 10 * kMs);
}

TEST(FramePacer, LeavesOutDeadlinesThatHavePassed) {
  FramePacer pacer(100, 0);
  pacer.advance(47 * kMs);
  EXPECT_EQ(pacer.due_ns(), 40 * kMs);
  pacer.advance(47 * kMs);
  EXPECT_EQ(pacer.due_ns(), 50 * kMs);
}

TEST(FramePacer, WithoutARateIsAlwaysDue) {
  FramePacer pacer(0, 5);
  pacer.advance(77);
  EXPECT_EQ(pacer.due_ns(), 77);
}

}  // namespace
}  // namespace ferry::cli
