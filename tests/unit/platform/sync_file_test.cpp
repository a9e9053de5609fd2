#include "platform/sync_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <thread>

#include "platform/clock.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;

constexpr std::int64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;

TEST(SyncFileKind, IsToldFromEverythingElse) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
  const UniqueFd other_end(ends[1]);
  const struct {
    UniqueFd fd;
    const char* what;
  } cases[] = {{UniqueFd(ends[0]), "a socket"},
               {UniqueFd(::memfd_create("ferry-test", MFD_CLOEXEC)), "a regular file"},
               {UniqueFd(::open("/dev/null", O_RDWR | O_CLOEXEC)), "a character device"},
               {UniqueFd(::eventfd(0, EFD_CLOEXEC)), "an anonymous kernel object"}};
  for (const auto& c : cases) {
    const auto state = fence_state(c.fd);
    ASSERT_FALSE(state) << c.what;
    EXPECT_EQ(state.error().code, ErrorCode::kProtocolViolation);
    EXPECT_EQ(state.error().message, std::string("the descriptor of a fence is ") + c.what + ", not a sync_file");
    EXPECT_EQ(wait_for_fence(c.fd, now_ns() + kSecond).error().code, ErrorCode::kProtocolViolation);
    EXPECT_EQ(merge_fences(c.fd, c.fd).error().code, ErrorCode::kProtocolViolation);
  }
  EXPECT_EQ(fence_state(UniqueFd()).error().message, "the descriptor of a fence is missing");
}

class SyncFile : public ::testing::Test {
 protected:
  void SetUp() override { ferry::test::need_sw_sync(timeline_); }
  ferry::test::SwSync timeline_ = ferry::test::SwSync::open();
};

TEST_F(SyncFile, IsPendingUntilItsWorkIsDone) {
  const UniqueFd fence = timeline_.fence_at(2);
  EXPECT_EQ(*fence_state(fence), FenceState::kPending);
  timeline_.advance(1);
  EXPECT_EQ(*fence_state(fence), FenceState::kPending);
  EXPECT_EQ(wait_for_fence(fence, now_ns() + 20 * kMillisecond).error().code, ErrorCode::kTimeout);
  timeline_.advance(1);
  EXPECT_EQ(*fence_state(fence), FenceState::kSignalled);
  EXPECT_TRUE(wait_for_fence(fence, now_ns()));
}

TEST_F(SyncFile, WakesWhoeverSleepsOnIt) {
  const UniqueFd fence = timeline_.fence_at(1);
  std::thread releases([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    timeline_.advance(1);
  });
  EXPECT_TRUE(wait_for_fence(fence, now_ns() + 20 * kSecond));
  releases.join();
}

TEST_F(SyncFile, MergedWaitsForBoth) {
  const ferry::test::SwSync another = ferry::test::SwSync::open();
  const auto both = merge_fences(timeline_.fence_at(1), another.fence_at(1));
  ASSERT_TRUE(both) << both.error().message;
  EXPECT_EQ(::fcntl(both->get(), F_GETFD), FD_CLOEXEC);
  timeline_.advance(1);
  EXPECT_EQ(*fence_state(*both), FenceState::kPending);
  another.advance(1);
  EXPECT_EQ(*fence_state(*both), FenceState::kSignalled);
}

TEST_F(SyncFile, FailsWithItsWork) {
  UniqueFd fence = timeline_.fence_at(1);
  timeline_ = ferry::test::SwSync();
  EXPECT_EQ(*fence_state(fence), FenceState::kFailed);
  EXPECT_EQ(wait_for_fence(fence, now_ns() + kSecond).error().code, ErrorCode::kDeviceLost);
}

}  // namespace
}  // namespace ferry::platform
