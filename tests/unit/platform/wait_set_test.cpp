#include "platform/wait_set.h"

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/message_socket.h"

namespace ferry::platform {
namespace {

constexpr std::int64_t kMs = 1'000'000;

struct WaitSetTest : ::testing::Test {
  WaitSetTest() {
    EXPECT_TRUE(set.ok() && first.ok() && second.ok());
    EXPECT_TRUE(set->add(first->consumer_end, 1).ok());
    EXPECT_TRUE(set->add(second->consumer_end, 2).ok());
  }
  proto::Result<WaitSet> set = WaitSet::create();
  proto::Result<ChannelPair> first = create_channel(), second = create_channel();
};

TEST_F(WaitSetTest, KeepsItsDeadline) {
  const std::int64_t start = now_ns();
  EXPECT_EQ(set->wait(deadline_after(30 * kMs)).count, 0u);
  EXPECT_GE(now_ns() - start, 30 * kMs);
  EXPECT_EQ(set->wait(0).count, 0u);
}

TEST_F(WaitSetTest, SaysWhichWereRung) {
  ring_channel(second->producer_end);
  auto ready = set->wait(-1);
  ASSERT_EQ(ready.count, 1u);
  EXPECT_EQ(ready.keys[0], 2u);
  ring_channel(first->producer_end);
  EXPECT_EQ(set->wait(-1).count, 2u);
}

TEST_F(WaitSetTest, NoticesAClosedEnd) {
  first->producer_end.reset();
  const auto ready = set->wait(-1);
  ASSERT_EQ(ready.count, 1u);
  EXPECT_EQ(ready.keys[0], 1u);
}

TEST_F(WaitSetTest, IsReadableItself) {
  auto readable = [&] { return wait_readable(set->fd(), UniqueFd{}, 0).value().socket; };
  EXPECT_FALSE(readable());
  ring_channel(first->producer_end);
  EXPECT_TRUE(readable());
  drain_channel(first->consumer_end);
  EXPECT_FALSE(readable());
}

TEST_F(WaitSetTest, ForgetsWhatWasRemoved) {
  ring_channel(first->producer_end);
  set->remove(first->consumer_end);
  EXPECT_EQ(set->wait(0).count, 0u);
}

TEST_F(WaitSetTest, RefusesWhatIsNoDescriptor) { EXPECT_FALSE(set->add(UniqueFd{}, 3).ok()); }

}  // namespace
}  // namespace ferry::platform
