#include "daemon/outbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "platform/message_socket.h"

namespace ferry::daemon {
namespace {

using proto::ErrorCode;

std::vector<std::byte> message(std::uint8_t mark, std::size_t size_bytes = 4096) {
  return std::vector<std::byte>(size_bytes, std::byte{mark});
}

std::shared_ptr<Budget> plenty() { return std::make_shared<Budget>("bytes", "plenty", std::uint64_t{1} << 40); }

/// With the smallest buffer that the kernel gives.
class Pair {
 public:
  Pair() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = platform::UniqueFd{ends[0]};
    theirs_ = platform::UniqueFd{ends[1]};
    const int smallest = 1;
    setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &smallest, sizeof smallest);
  }
  const platform::UniqueFd& ours() const { return ours_; }
  const platform::UniqueFd& theirs() const { return theirs_; }
  void close_theirs() { theirs_.reset(); }

 private:
  platform::UniqueFd ours_, theirs_;
};

/// Sends until the socket is full; how many messages that took.
int fill(Outbox& outbox, const Pair& pair) {
  int sent = 0;
  while (outbox.empty() && sent < 100000) {
    EXPECT_TRUE(outbox.send(pair.ours(), message(static_cast<std::uint8_t>(sent)), {}));
    ++sent;
  }
  return sent;
}

TEST(Outbox, KeepsTheOrderOfWhatDidNotFit) {
  Pair pair;
  Outbox outbox(8, plenty());
  const int first = fill(outbox, pair);
  const int all = first + 3;
  for (int i = first; i < all; ++i) ASSERT_TRUE(outbox.send(pair.ours(), message(static_cast<std::uint8_t>(i)), {}));
  for (int i = 0; i < all; ++i) {
    auto packet = platform::receive_packet(pair.theirs());
    ASSERT_TRUE(packet) << packet.error().message;
    ASSERT_EQ(packet->bytes.front(), std::byte{static_cast<std::uint8_t>(i)});
    ASSERT_TRUE(outbox.flush(pair.ours()));
  }
  EXPECT_TRUE(outbox.empty());
}

TEST(Outbox, IsFullAtItsLimit) {
  Pair pair;
  Outbox outbox(3, plenty());
  fill(outbox, pair);
  EXPECT_TRUE(outbox.send(pair.ours(), message(0), {}));
  EXPECT_TRUE(outbox.send(pair.ours(), message(0), {}));
  const auto refused = outbox.send(pair.ours(), message(0), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
  EXPECT_EQ(refused.error().message, "3 messages are unread; the limit max_outbox_messages is 3");
}

TEST(Outbox, SharesTheMemoryOfItsUser) {
  Pair pair, other_pair;
  const auto memory = std::make_shared<Budget>("bytes of messages", "message_memory_bytes_per_uid", 20'000);
  Outbox outbox(1000, memory), other(1000, memory);
  fill(outbox, pair);  // one waits now
  EXPECT_TRUE(outbox.send(pair.ours(), message(0), {}));
  fill(other, other_pair);
  EXPECT_TRUE(other.send(other_pair.ours(), message(0), {}));
  const auto refused = other.send(other_pair.ours(), message(0), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
  EXPECT_NE(refused.error().message.find("message_memory_bytes_per_uid = 20000"), std::string::npos)
      << refused.error().message;
  // What is read by then is free for the other.
  while (platform::receive_packet(pair.theirs()).ok()) ASSERT_TRUE(outbox.flush(pair.ours()));
  EXPECT_TRUE(outbox.empty());
  EXPECT_TRUE(other.send(other_pair.ours(), message(0), {}));
}

TEST(Outbox, BoundsTheDescriptorsThatWait) {
  Pair pair;
  Outbox outbox(1000, plenty());
  fill(outbox, pair);
  const FdList fds(64, &pair.theirs());
  bool full = false;
  for (std::size_t i = 0; i <= Outbox::kMaxDescriptors / 64 && !full; ++i)
    full = !outbox.send(pair.ours(), message(0), fds);
  EXPECT_TRUE(full);
  EXPECT_LT(outbox.size(), Outbox::kMaxDescriptors / 64 + 3);
}

TEST(Outbox, DuplicatesArePaidForUntilTheyAreRead) {
  Pair pair;
  auto budget = std::make_shared<Budget>("descriptors", "max_descriptors_per_uid", 5);
  Outbox outbox(1000, plenty(), budget);
  const int first = fill(outbox, pair);
  const FdList three(3, &pair.theirs());
  ASSERT_TRUE(outbox.send(pair.ours(), message(0), three));
  EXPECT_EQ(budget->used(), 3u);
  const auto refused = outbox.send(pair.ours(), message(0), three);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kLimitExceeded);
  EXPECT_NE(refused.error().message.find("max_descriptors_per_uid = 5"), std::string::npos) << refused.error().message;
  for (int i = 0; i < first + 1; ++i) {
    ASSERT_TRUE(platform::receive_packet(pair.theirs()));
    ASSERT_TRUE(outbox.flush(pair.ours()));
  }
  EXPECT_EQ(budget->used(), 0u);
}

TEST(Outbox, OwnsDuplicatesOfWhatWaits) {
  Pair pair;
  Outbox outbox(8, plenty());
  const int first = fill(outbox, pair);
  {
    platform::UniqueFd gone{open("/dev/null", O_RDONLY | O_CLOEXEC)};
    ASSERT_TRUE(outbox.send(pair.ours(), message(1), {&gone}));
  }
  std::size_t fds = 0;
  for (int i = 0; i < first + 1; ++i) {
    auto packet = platform::receive_packet(pair.theirs());
    ASSERT_TRUE(packet);
    fds += packet->fds.size();
    ASSERT_TRUE(outbox.flush(pair.ours()));
  }
  EXPECT_EQ(fds, 1u);
}

TEST(Outbox, TellsThatThePeerIsGone) {
  Pair pair;
  Outbox outbox(8, plenty());
  pair.close_theirs();
  const auto sent = outbox.send(pair.ours(), message(0), {});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kDisconnected);
}

}  // namespace
}  // namespace ferry::daemon
