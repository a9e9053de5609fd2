#include "platform/clock.h"

#include <gtest/gtest.h>

#include <ctime>
#include <limits>

namespace ferry::platform {
namespace {

TEST(Clock, IsClockMonotonic) {
  timespec time{};
  const std::int64_t before = now_ns();
  clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t after = now_ns();
  const std::int64_t between = time.tv_sec * 1'000'000'000 + time.tv_nsec;
  EXPECT_LE(before, between);
  EXPECT_LE(between, after);
}

TEST(Clock, DeadlinesFollowTheTimeout) {
  const std::int64_t before = now_ns();
  const std::int64_t deadline = deadline_after(1'000'000);
  EXPECT_GE(deadline, before + 1'000'000);
  EXPECT_LE(deadline, now_ns() + 1'000'000);
  const std::int64_t at_once = deadline_after(0);
  EXPECT_LE(at_once, now_ns());
}

TEST(Clock, NegativeTimeoutsHaveNoDeadline) {
  EXPECT_EQ(deadline_after(-1), -1);
  EXPECT_EQ(deadline_after(std::numeric_limits<std::int64_t>::min()), -1);
}

TEST(Clock, TheLongestTimeoutDoesNotOverflow) {
  constexpr std::int64_t kLongest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(deadline_after(kLongest), kLongest);
  EXPECT_EQ(deadline_after(kLongest - 1), kLongest);
}

}  // namespace
}  // namespace ferry::platform
