#include "platform/wake_timer.h"

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/wait_set.h"

namespace ferry::platform {
namespace {

constexpr std::int64_t kMs = 1'000'000;

struct WakeTimerTest : ::testing::Test {
  WakeTimerTest() {
    EXPECT_TRUE(set.ok() && timer.ok());
    EXPECT_TRUE(set->add(timer->fd(), 1).ok());
  }
  bool is_readable(std::int64_t deadline_ns = 0) const { return set->wait(deadline_ns).count == 1; }
  proto::Result<WaitSet> set = WaitSet::create();
  proto::Result<WakeTimer> timer = WakeTimer::create();
};

TEST_F(WakeTimerTest, IsReadableFromItsTimeOn) {
  EXPECT_FALSE(is_readable());
  const std::int64_t at_ns = now_ns() + 20 * kMs;
  timer->set(at_ns);
  EXPECT_TRUE(is_readable(deadline_after(20'000 * kMs)));
  EXPECT_GE(now_ns(), at_ns);
  EXPECT_TRUE(is_readable()) << "it stays so";
}

TEST_F(WakeTimerTest, IsQuietOnceItIsCleared) {
  timer->set(now_ns() - kMs);
  EXPECT_TRUE(is_readable(deadline_after(20'000 * kMs)));
  timer->clear();
  EXPECT_FALSE(is_readable());
}

TEST_F(WakeTimerTest, IsQuietUntilALaterTime) {
  timer->set(0);
  EXPECT_TRUE(is_readable(deadline_after(20'000 * kMs)));
  timer->set(now_ns() + 3'600'000 * kMs);
  EXPECT_FALSE(is_readable());
}

}  // namespace
}  // namespace ferry::platform
