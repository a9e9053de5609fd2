// What crosses a fence channel, and what a peer may send instead. Fences are the test's own (sw_sync, scripts/vm-test);
// most of it needs none.

#include "platform/fence_channel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cstring>
#include <filesystem>
#include <vector>

#include "platform/sync_file.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;
using proto::FenceMessage;

std::size_t open_descriptors() {
  const std::filesystem::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

class FenceChannel : public ::testing::Test {
 protected:
  /// Whatever a peer may send.
  void send_raw(const void* bytes, std::size_t length, const std::vector<int>& fds) const {
    iovec data{const_cast<void*>(bytes), length};
    msghdr header{};
    header.msg_iov = &data;
    header.msg_iovlen = 1;
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)] = {};
    if (!fds.empty()) {
      header.msg_control = control;
      header.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
      cmsghdr* part = CMSG_FIRSTHDR(&header);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
      std::memcpy(CMSG_DATA(part), fds.data(), sizeof(int) * fds.size());
    }
    ASSERT_EQ(::sendmsg(pair_.producer_end.get(), &header, 0), static_cast<ssize_t>(length));
  }
  void expect_violation(const char* text) const {
    const auto received = receive_fence(pair_.consumer_end);
    ASSERT_FALSE(received) << text;
    EXPECT_EQ(received.error().code, ErrorCode::kProtocolViolation);
    EXPECT_NE(received.error().message.find(text), std::string::npos) << received.error().message;
  }

  FenceChannelPair pair_ = std::move(*create_fence_channel());
  const FenceMessage message_{7, 3, 0};
};

TEST_F(FenceChannel, CarriesWhichFrameAFenceStandsFor) {
  EXPECT_FALSE(receive_fence(pair_.consumer_end).value()) << "nothing yet";
  ASSERT_TRUE(send_fence(pair_.producer_end, message_, {}));
  const auto received = receive_fence(pair_.consumer_end);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->message.sequence, 7u);
  EXPECT_EQ((*received)->message.generation, 3u);
  EXPECT_FALSE((*received)->fence) << "none: it has signalled";
  EXPECT_FALSE(receive_fence(pair_.consumer_end).value());
}

TEST_F(FenceChannel, TellsAFenceFromAnyOtherDescriptor) {
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC)), memory(::memfd_create("ferry-test", MFD_CLOEXEC));
  for (const UniqueFd* fd : std::initializer_list<const UniqueFd*>{&event, &memory, &pair_.consumer_end}) {
    const std::size_t before = open_descriptors();
    ASSERT_TRUE(send_fence(pair_.producer_end, message_, *fd));
    expect_violation("not a sync_file");
    EXPECT_EQ(open_descriptors(), before);
  }
}

TEST_F(FenceChannel, TakesOneDescriptorAtMost) {
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  for (const std::size_t count : {2u, 3u, 8u}) {
    const std::size_t before = open_descriptors();
    send_raw(&message_, sizeof message_, std::vector<int>(count, event.get()));
    expect_violation("more than one descriptor");
    EXPECT_EQ(open_descriptors(), before) << count;
  }
}

TEST_F(FenceChannel, TakesNoMessageOfAnotherShape) {
  const char rubbish[64] = {};
  for (const std::size_t length : {std::size_t{1}, sizeof(FenceMessage) - 1, sizeof(FenceMessage) + 1, sizeof rubbish}) {
    send_raw(rubbish, length, {});
    expect_violation("bytes instead of 16");
  }
  const FenceMessage newer{7, 3, 1};
  send_raw(&newer, sizeof newer, {});
  expect_violation("reserved");
}

TEST_F(FenceChannel, NeverBlocksAndHasRoomForAFewAlone) {
  const UniqueFd event(::eventfd(0, EFD_CLOEXEC));
  std::size_t sent = 0;
  while (sent < 1000 && send_fence(pair_.producer_end, message_, event)) ++sent;
  EXPECT_GE(sent, 3u);
  EXPECT_LE(sent, 16u) << "descriptors under way count against their sender's user";
  EXPECT_FALSE(send_fence(pair_.producer_end, message_, {}));
  EXPECT_FALSE(receive_fence(pair_.consumer_end)) << "a flood is read one by one, and this was none";
  EXPECT_TRUE(send_fence(pair_.producer_end, message_, {})) << "and there is room again";
}

TEST_F(FenceChannel, SaysWhenTheOtherEndIsClosed) {
  ASSERT_TRUE(send_fence(pair_.producer_end, message_, {}));
  pair_.producer_end.reset();
  EXPECT_TRUE(receive_fence(pair_.consumer_end).value()) << "what was sent before is there";
  EXPECT_EQ(receive_fence(pair_.consumer_end).error().code, ErrorCode::kDisconnected);
  auto other = std::move(*create_fence_channel());
  other.consumer_end.reset();
  EXPECT_FALSE(send_fence(other.producer_end, message_, {})) << "and no SIGPIPE";
}

TEST_F(FenceChannel, CarriesAFenceThatIsPending) {
  const auto timeline = ferry::test::SwSync::open();
  ferry::test::need_sw_sync(timeline);
  if (!timeline) return;
  const UniqueFd fence = timeline.fence_at(1);
  ASSERT_TRUE(send_fence(pair_.producer_end, message_, fence));
  const auto received = receive_fence(pair_.consumer_end);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ(*fence_state((*received)->fence), FenceState::kPending);
  timeline.advance(1);
  EXPECT_EQ(*fence_state((*received)->fence), FenceState::kSignalled);
}

}  // namespace
}  // namespace ferry::platform
