// What a consumer makes of the fences that its producer sends, or says it sends.

#include "client/src/fence_inbox.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>


#include "platform/sync_file.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::client {
namespace {

using platform::FenceState;
using platform::UniqueFd;

class FenceInboxes : public ::testing::Test {
 protected:
  FenceInboxes() {
    auto pair = platform::create_fence_channel();
    producer_end_ = std::move(pair->producer_end);
    inbox_.open(std::move(pair->consumer_end));
  }
  bool send(std::uint64_t sequence, const UniqueFd& fence = {}, std::uint32_t generation = 1) {
    return platform::send_fence(producer_end_, {sequence, generation, 0}, fence);
  }
  std::uint64_t newest(bool signalled_only = false) {
    inbox_.read();
    return inbox_.newest(signalled_only);
  }

  UniqueFd producer_end_;
  FenceInbox inbox_;
};

TEST_F(FenceInboxes, KnowTheNewestFrameThatMayBeTaken) {
  EXPECT_EQ(newest(), 0u);
  ASSERT_TRUE(send(3));
  ASSERT_TRUE(send(4));
  EXPECT_EQ(newest(), 4u);
  EXPECT_EQ(newest(true), 4u);
  const auto fence = inbox_.take(3);
  ASSERT_TRUE(fence);
  EXPECT_FALSE(*fence) << "nothing to wait for";
  EXPECT_EQ(inbox_.take(5).error().code, proto::ErrorCode::kNotFound);
}

TEST_F(FenceInboxes, AFenceStandsForTheFramesBeforeIt) {
  ASSERT_TRUE(send(8));
  EXPECT_EQ(newest(), 8u);
  EXPECT_TRUE(inbox_.take(6)) << "whose own did not fit into the channel";
  EXPECT_TRUE(inbox_.take(8));
}

TEST_F(FenceInboxes, EndTheChannelOfWhoeverCountsBackwards) {
  ASSERT_TRUE(send(5, {}, 2));
  EXPECT_EQ(newest(), 5u);
  ASSERT_TRUE(send(5, {}, 2));
  EXPECT_EQ(newest(), 5u) << "what came before is still good";
  EXPECT_FALSE(inbox_.is_open());
  EXPECT_FALSE(send(6, {}, 2));
}

TEST_F(FenceInboxes, EndTheChannelOfAnOlderGeneration) {
  ASSERT_TRUE(send(5, {}, 2));
  ASSERT_TRUE(send(6, {}, 1));
  EXPECT_EQ(newest(), 5u);
  EXPECT_FALSE(inbox_.is_open());
}

TEST_F(FenceInboxes, EndTheChannelOfWhoeverSendsNoFence) {
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  ASSERT_TRUE(send(5));
  ASSERT_TRUE(send(6, event));
  EXPECT_EQ(newest(), 5u);
  EXPECT_FALSE(inbox_.is_open());
}

TEST_F(FenceInboxes, AFloodIsTakenInPartsAndTheOldestForgotten) {
  const int large = 1 << 20;  // as a hostile producer may set it
  ASSERT_EQ(::setsockopt(producer_end_.get(), SOL_SOCKET, SO_SNDBUF, &large, sizeof large), 0);
  std::uint64_t sequence = 0;
  while (sequence < 4 * FenceInbox::kCapacity && send(sequence + 1)) ++sequence;
  ASSERT_GT(sequence, 2 * FenceInbox::kCapacity);
  EXPECT_EQ(newest(), FenceInbox::kCapacity) << "no more at once";
  EXPECT_EQ(newest(), 2 * FenceInbox::kCapacity);
  EXPECT_TRUE(inbox_.take(1)) << "by one that is newer";
}

TEST_F(FenceInboxes, AnotherProducerBeginsAnew) {
  ASSERT_TRUE(send(5, {}, 2));
  EXPECT_EQ(newest(), 5u);
  auto pair = platform::create_fence_channel();
  producer_end_ = std::move(pair->producer_end);
  inbox_.open(std::move(pair->consumer_end));
  EXPECT_EQ(newest(), 0u);
  ASSERT_TRUE(send(1, {}, 1));
  EXPECT_EQ(newest(), 1u);
}

class PendingFenceInboxes : public FenceInboxes {
 protected:
  void SetUp() override { ferry::test::need_sw_sync(timeline_); }
  ferry::test::SwSync timeline_ = ferry::test::SwSync::open();
};

TEST_F(PendingFenceInboxes, GiveOutWhatHasToBeWaitedFor) {
  ASSERT_TRUE(send(1, timeline_.fence_at(1)));
  ASSERT_TRUE(send(2, timeline_.fence_at(2)));
  EXPECT_EQ(newest(), 2u);
  EXPECT_EQ(newest(true), 0u) << "nobody waits for a process that is gone";
  const auto first = inbox_.take(1);
  ASSERT_TRUE(first);
  EXPECT_EQ(*platform::fence_state(*first), FenceState::kPending);
  timeline_.advance(1);
  EXPECT_EQ(*platform::fence_state(*first), FenceState::kSignalled);
  EXPECT_EQ(newest(true), 1u);
  const auto second = inbox_.take(2);
  ASSERT_TRUE(second);
  EXPECT_EQ(*platform::fence_state(*second), FenceState::kPending);
}

TEST_F(PendingFenceInboxes, SayNothingOfWorkThatHasFailed) {
  auto dies = ferry::test::SwSync::open();
  ASSERT_TRUE(send(1, timeline_.fence_at(1)));
  ASSERT_TRUE(send(2, dies.fence_at(1)));
  timeline_.advance(1);
  EXPECT_EQ(newest(), 2u);
  dies = ferry::test::SwSync();  // as when its process dies
  EXPECT_EQ(inbox_.take(2).error().code, proto::ErrorCode::kNotFound);
  EXPECT_EQ(newest(), 0u);
}

}  // namespace
}  // namespace ferry::client
