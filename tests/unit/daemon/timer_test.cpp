#include "daemon/timer.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

using namespace std::chrono_literals;

TEST(Timer, CallsOnceForEachTimeItIsArmed) {
  boost::asio::io_context io;
  int calls = 0;
  auto timer = Timer::create(io, [&] { ++calls; });
  ASSERT_TRUE(timer);
  (*timer)->arm(1ms);
  io.run_for(50ms);
  EXPECT_EQ(calls, 1);
  (*timer)->arm(10min);
  (*timer)->arm(1ms);
  io.run_for(50ms);
  EXPECT_EQ(calls, 2);
}

TEST(Timer, LeavesNothingInTheLoop) {
  boost::asio::io_context io;
  auto timer = Timer::create(io, [] { ADD_FAILURE() << "destroyed before its time"; });
  ASSERT_TRUE(timer);
  (*timer)->arm(1ms);
  timer->reset();
  EXPECT_LE(io.run_for(5s), 1u) << "the wait that was cancelled";
}

TEST(Timer, MayBeDestroyedByItsOwnCallback) {
  boost::asio::io_context io;
  std::unique_ptr<Timer> timer;
  bool called = false;
  auto created = Timer::create(io, [&] {
    called = true;
    timer.reset();
  });
  ASSERT_TRUE(created);
  timer = std::move(*created);
  timer->arm(1ms);
  io.run_for(5s);
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace ferry::daemon
