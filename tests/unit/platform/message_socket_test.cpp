#include "platform/message_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <thread>

#include "forked_child.h"
#include "platform/clock.h"
#include "proto/limits.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;
using proto::kMaxMessageBytes;
using proto::kMaxMessageFds;
using testing::count_open_descriptors;

constexpr std::int64_t kMs = 1'000'000;

std::vector<std::byte> bytes_of(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

std::string text_of(const Packet& packet) {
  return {reinterpret_cast<const char*>(packet.bytes.data()), packet.bytes.size()};
}

ino_t inode_of(int fd) {
  struct stat info {};
  fstat(fd, &info);
  return info.st_ino;
}

struct MessageSocket : ::testing::Test {
  MessageSocket() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);  // blocking: our calls must not
    ours.reset(ends[0]);
    theirs.reset(ends[1]);
  }

  void send_ok(const std::string& text, const std::vector<int>& fds = {}) {
    const auto sent = send_packet(ours, bytes_of(text), fds);
    ASSERT_TRUE(sent) << sent.error().message;
    ASSERT_EQ(*sent, SendStatus::kSent);
  }

  /// What a peer sends that does not use send_packet().
  void send_raw(std::size_t size_bytes, const std::vector<int>& fds) {
    std::vector<std::byte> bytes(size_bytes, std::byte{1});
    iovec data{bytes.data(), bytes.size()};
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    if (!fds.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), fds.data(), fds.size() * sizeof(int));
    }
    ASSERT_EQ(sendmsg(ours.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL), static_cast<ssize_t>(size_bytes));
  }

  UniqueFd ours, theirs;
};

TEST_F(MessageSocket, PacketsArriveWholeAndApart) {
  send_ok("one");
  send_ok("three");
  EXPECT_EQ(text_of(receive_packet(theirs).value()), "one");
  EXPECT_EQ(text_of(receive_packet(theirs).value()), "three");
}

TEST_F(MessageSocket, DescriptorsArriveInNumberAndOrder) {
  std::vector<UniqueFd> sent;
  std::vector<int> numbers;
  for (int i = 0; i < 7; ++i) {
    sent.emplace_back(memfd_create("fd", 0));
    numbers.push_back(sent.back().get());
  }
  send_ok("fds", numbers);
  const auto packet = receive_packet(theirs);
  ASSERT_TRUE(packet);
  ASSERT_EQ(packet->fds.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(inode_of(packet->fds[i].get()), inode_of(sent[i].get()));
    EXPECT_EQ(fcntl(packet->fds[i].get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    EXPECT_TRUE(sent[i].valid()) << "descriptors to send are borrowed";
  }
}

TEST_F(MessageSocket, CarriesTheGreatestMessage) {
  const UniqueFd fd{eventfd(0, EFD_CLOEXEC)};
  send_ok(std::string(kMaxMessageBytes, 'x'), std::vector<int>(kMaxMessageFds, fd.get()));
  const auto packet = receive_packet(theirs);
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(packet->bytes.size(), kMaxMessageBytes);
  EXPECT_EQ(packet->fds.size(), kMaxMessageFds);
}

TEST_F(MessageSocket, RefusesToSendWhatNobodyMayReceive) {
  const auto longer = send_packet(ours, std::vector<std::byte>(kMaxMessageBytes + 1), {});
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(longer.error().message, "message of 65537 bytes; the limits are 1 and 65536");
  EXPECT_EQ(send_packet(ours, {}, {}).error().code, ErrorCode::kInvalidArgument) << "would read as the end";
  const std::vector<int> fds(kMaxMessageFds + 1, ours.get());
  const auto more = send_packet(ours, bytes_of("x"), fds);
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().message, "message with 73 descriptors exceeds the limit 72");
}

TEST_F(MessageSocket, NothingToReceiveDoesNotBlock) {
  EXPECT_EQ(receive_packet(theirs).error().code, ErrorCode::kWouldBlock);
}

TEST_F(MessageSocket, AClosedPeerIsAnEmptyPacketAndNoSignal) {
  theirs.reset();
  const auto packet = receive_packet(ours);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->bytes.empty());
  EXPECT_EQ(send_packet(ours, bytes_of("x"), {}).error().code, ErrorCode::kDisconnected);
}

TEST_F(MessageSocket, LastWordsArriveFromAPeerThatHasNotReadOurs) {
  ASSERT_TRUE(send_packet(theirs, bytes_of("never read"), {}));
  send_ok("goodbye");
  ours.reset();  // with a message unread: the kernel reports ECONNRESET first
  EXPECT_EQ(text_of(receive_packet(theirs).value()), "goodbye");
  EXPECT_TRUE(receive_packet(theirs).value().bytes.empty());
}

TEST_F(MessageSocket, ATruncatedMessageIsAViolationAndLeaksNothing) {
  const int wide = 1 << 20;
  ASSERT_EQ(setsockopt(ours.get(), SOL_SOCKET, SO_SNDBUF, &wide, sizeof wide), 0);
  const std::size_t before = count_open_descriptors();
  send_raw(kMaxMessageBytes + 100, {ours.get(), ours.get()});
  const auto packet = receive_packet(theirs);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(packet.error().message, "message of 65636 bytes exceeds the limit 65536");
  EXPECT_EQ(count_open_descriptors(), before);
}

TEST_F(MessageSocket, TooManyDescriptorsAreAViolationAndLeakNothing) {
  const std::size_t before = count_open_descriptors();
  send_raw(3, std::vector<int>(kMaxMessageFds + 1, ours.get()));
  const auto packet = receive_packet(theirs);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().code, ErrorCode::kProtocolViolation);
  EXPECT_EQ(packet.error().message, "message with more than 72 descriptors");
  EXPECT_EQ(count_open_descriptors(), before);
}

TEST_F(MessageSocket, DescriptorsOnAnEmptyPacketAreClosed) {
  const std::size_t before = count_open_descriptors();
  send_raw(0, {ours.get()});
  const auto packet = receive_packet(theirs);
  ASSERT_TRUE(packet);
  EXPECT_TRUE(packet->bytes.empty());
  EXPECT_TRUE(packet->fds.empty());
  EXPECT_EQ(count_open_descriptors(), before);
}

TEST_F(MessageSocket, OwnLackOfDescriptorsIsNotThePeersFault) {
  const std::size_t before = count_open_descriptors();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlimit original = limit;
  const UniqueFd highest = ours.duplicate();  // the lowest free number: two more fit below the limit
  limit.rlim_cur = static_cast<rlim_t>(highest.get()) + 3;
  send_raw(3, std::vector<int>(10, ours.get()));
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  const auto packet = receive_packet(theirs);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &original), 0);
  ASSERT_FALSE(packet);
  EXPECT_EQ(packet.error().code, ErrorCode::kLimitExceeded) << packet.error().message;
  EXPECT_EQ(count_open_descriptors(), before + 1);
}

TEST_F(MessageSocket, AFullSocketDoesNotBlock) {
  const std::string message(4096, 'x');
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 100'000) << "the socket never fills";
    const auto sent = send_packet(ours, bytes_of(message), {});
    ASSERT_TRUE(sent);
    if (*sent == SendStatus::kWouldBlock) break;
  }
  const std::int64_t start = now_ns();
  const auto late = send_packet_before(ours, bytes_of(message), {}, deadline_after(30 * kMs));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::kTimeout);
  EXPECT_GE(now_ns() - start, 30 * kMs);

  std::thread reader([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    while (receive_packet(theirs).ok()) {
    }
  });
  EXPECT_TRUE(send_packet_before(ours, bytes_of(message), {}, deadline_after(20'000 * kMs)).ok());
  reader.join();
}

TEST_F(MessageSocket, WaitingForAFullSocketEndsWhenThePeerCloses) {
  while (send_packet(ours, bytes_of(std::string(4096, 'x')), {}).value() == SendStatus::kSent) {
  }
  std::thread closer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    theirs.reset();
  });
  const auto sent = send_packet_before(ours, bytes_of("x"), {}, deadline_after(20'000 * kMs));
  closer.join();
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::kDisconnected);
}

TEST_F(MessageSocket, WaitingKeepsItsDeadline) {
  const std::int64_t start = now_ns();
  const auto ready = wait_readable(theirs, UniqueFd{}, deadline_after(30 * kMs));
  ASSERT_TRUE(ready);
  EXPECT_FALSE(ready->socket || ready->other);
  EXPECT_GE(now_ns() - start, 30 * kMs);
}

TEST_F(MessageSocket, WaitingSaysWhichIsReadable) {
  const UniqueFd other{eventfd(1, EFD_CLOEXEC)};
  auto ready = wait_readable(theirs, other, deadline_after(20'000 * kMs));
  ASSERT_TRUE(ready);
  EXPECT_FALSE(ready->socket);
  EXPECT_TRUE(ready->other);
  send_ok("x");
  ready = wait_readable(theirs, UniqueFd{}, -1);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->socket);
  EXPECT_FALSE(ready->other);
}

TEST_F(MessageSocket, AClosedPeerIsReadable) {
  ours.reset();
  const auto ready = wait_readable(theirs, UniqueFd{}, -1);
  ASSERT_TRUE(ready);
  EXPECT_TRUE(ready->socket);
}

TEST_F(MessageSocket, SignalsDoNotCutAWaitShort) {
  struct sigaction ignore {};
  ignore.sa_handler = [](int) {};  // no SA_RESTART: the call is interrupted
  struct sigaction before {};
  ASSERT_EQ(sigaction(SIGALRM, &ignore, &before), 0);
  const itimerval every_5_ms{{0, 5000}, {0, 5000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &every_5_ms, nullptr), 0);
  const std::int64_t start = now_ns();
  const auto ready = wait_readable(theirs, UniqueFd{}, deadline_after(60 * kMs));
  const itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
  sigaction(SIGALRM, &before, nullptr);
  ASSERT_TRUE(ready) << ready.error().message;
  EXPECT_FALSE(ready->socket);
  EXPECT_GE(now_ns() - start, 60 * kMs);
}

TEST_F(MessageSocket, AClosedDescriptorIsAnError) {
  const UniqueFd closed{[this] {
    UniqueFd copy = ours.duplicate();
    return copy.get();
  }()};
  EXPECT_FALSE(wait_readable(closed, UniqueFd{}, -1).ok());
  EXPECT_EQ(receive_packet(UniqueFd{}).error().code, ErrorCode::kSystem);
}

}  // namespace
}  // namespace ferry::platform
