#include "client/cli/stop_signal.h"

#include <gtest/gtest.h>
#include <pthread.h>

namespace ferry::cli {
namespace {

TEST(StopSignal, SleepsUntilTheDeadline) {
  StopSignal stop;
  const std::int64_t deadline_ns = monotonic_ns() + 20'000'000;
  EXPECT_FALSE(stop.wait_until(deadline_ns));
  EXPECT_GE(monotonic_ns(), deadline_ns);
}

TEST(StopSignal, EndsAWaitAndStaysRequested) {
  StopSignal stop;
  pthread_kill(pthread_self(), SIGTERM);
  const std::int64_t before_ns = monotonic_ns();
  EXPECT_TRUE(stop.wait_until(before_ns + 10'000'000'000));
  EXPECT_LT(monotonic_ns() - before_ns, 5'000'000'000);
  EXPECT_TRUE(stop.requested());
}

TEST(StopSignal, PutsTheMaskBack) {
  sigset_t before, after;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  { StopSignal stop; }
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  EXPECT_EQ(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
}

}  // namespace
}  // namespace ferry::cli
