#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "platform/message_socket.h"

namespace ferry::platform {
namespace {

constexpr int kPassRights = 83;  // SO_PASSRIGHTS

bool readable(const UniqueFd& fd) {
  pollfd watched{fd.get(), POLLIN, 0};
  return poll(&watched, 1, 0) == 1;
}

ChannelPair make() {
  auto channel = create_channel();
  EXPECT_TRUE(channel.ok());
  return std::move(*channel);
}

TEST(Channel, RingsInBothDirections) {
  const ChannelPair channel = make();
  EXPECT_FALSE(readable(channel.consumer_end));
  ring_channel(channel.producer_end);
  EXPECT_TRUE(readable(channel.consumer_end));
  EXPECT_FALSE(readable(channel.producer_end));
  ring_channel(channel.consumer_end);
  EXPECT_TRUE(readable(channel.producer_end));
}

TEST(Channel, DrainingEmptiesIt) {
  const ChannelPair channel = make();
  EXPECT_TRUE(drain_channel(channel.consumer_end)) << "nothing rung, still open";
  ring_channel(channel.producer_end);
  ring_channel(channel.producer_end);
  EXPECT_TRUE(drain_channel(channel.consumer_end));
  EXPECT_FALSE(readable(channel.consumer_end));
}

TEST(Channel, RingingAFullOneDoesNotBlock) {
  const ChannelPair channel = make();
  for (int i = 0; i < 10'000; ++i) ring_channel(channel.producer_end);
  EXPECT_TRUE(drain_channel(channel.consumer_end));
  EXPECT_FALSE(readable(channel.consumer_end)) << "the backlog fits one round";
}

TEST(Channel, AClosedEndShowsAndHurtsNobody) {
  ChannelPair channel = make();
  ring_channel(channel.producer_end);
  channel.producer_end.reset();
  EXPECT_TRUE(readable(channel.consumer_end));
  EXPECT_FALSE(drain_channel(channel.consumer_end));
  ring_channel(channel.consumer_end);  // no SIGPIPE
  ring_channel(UniqueFd{});
}

TEST(Channel, AnUnreadRingDoesNotHideThatTheOtherEndClosed) {
  ChannelPair channel = make();
  ring_channel(channel.consumer_end);
  channel.producer_end.reset();  // closes with a ring unread: ECONNRESET here
  EXPECT_FALSE(drain_channel(channel.consumer_end));
}

TEST(Channel, AFloodDoesNotKeepUs) {
  const ChannelPair channel = make();
  const int wide = 1 << 20;
  ASSERT_EQ(setsockopt(channel.producer_end.get(), SOL_SOCKET, SO_SNDBUF, &wide, sizeof wide), 0);
  int rung = 0;
  while (rung < 200 && send(channel.producer_end.get(), "x", 1, MSG_DONTWAIT) == 1) ++rung;
  ASSERT_GT(rung, 100);
  EXPECT_TRUE(drain_channel(channel.consumer_end));
  EXPECT_TRUE(readable(channel.consumer_end)) << "the rest wakes the next wait";
}

TEST(Channel, DescriptorsThatRideAlongAreDropped) {
  const ChannelPair channel = make();
  const int carries = 1;  // as before Linux 6.16
  setsockopt(channel.consumer_end.get(), SOL_SOCKET, kPassRights, &carries, sizeof carries);
  const std::byte byte{1};
  const int fd = channel.producer_end.get();
  ASSERT_TRUE(send_packet(channel.producer_end, {&byte, 1}, {&fd, 1}));
  EXPECT_TRUE(drain_channel(channel.consumer_end));
}

/// They would be the reader's to close, for as long as the ringer has arranged.
TEST(Channel, CarriesNoDescriptors) {
  const ChannelPair channel = make();
  int carries = 0;
  socklen_t length = sizeof carries;
  if (getsockopt(channel.consumer_end.get(), SOL_SOCKET, kPassRights, &carries, &length) != 0)
    GTEST_SKIP() << "Linux before 6.16 cannot keep them out";
  const int fd = channel.producer_end.get();
  for (const UniqueFd* from : {&channel.producer_end, &channel.consumer_end}) {
    const std::vector<std::byte> ring(1);
    EXPECT_FALSE(send_packet(*from, ring, {&fd, 1}));
    EXPECT_TRUE(send_packet(*from, ring, {}));
  }
}

}  // namespace
}  // namespace ferry::platform
