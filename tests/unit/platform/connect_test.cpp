#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "forked_child.h"
#include "platform/clock.h"
#include "platform/listener.h"
#include "platform/message_socket.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;
using testing::ForkedChild;

proto::Error refusal(const std::string& path) {
  auto connected = connect_to(path);
  EXPECT_FALSE(connected.ok());
  return connected ? proto::Error{} : std::move(connected).error();
}

UniqueFd listen_raw(const std::string& path, int type, int backlog) {
  UniqueFd fd{socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd.get(), backlog), 0);
  return fd;
}

struct Connect : ::testing::Test {
  test::TempDir folder;
  std::string path = folder.file("ferryd.sock");
};

TEST_F(Connect, ReachesAListener) {
  auto listener = Listener::bind(path);
  ASSERT_TRUE(listener);
  const auto client = connect_to(path);
  ASSERT_TRUE(client) << client.error().message;
  const auto server = listener->accept();
  ASSERT_TRUE(server);
  const std::byte byte{7};
  ASSERT_TRUE(send_packet(*client, {&byte, 1}, {}));
  EXPECT_EQ(receive_packet(*server).value().bytes.size(), 1u);
}

TEST_F(Connect, WithoutABrokerSaysHowToStartOne) {
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kNoBroker);
  EXPECT_EQ(error.message, "no broker at '" + path + "': start one with `ferryd` (or `systemctl --user start ferryd`)");
  EXPECT_EQ(refusal(folder.file("no/such/folder")).code, ErrorCode::kNoBroker);
}

TEST_F(Connect, ASocketFileThatADeadBrokerLeftIsNoBroker) {
  listen_raw(path, SOCK_SEQPACKET, 1).reset();
  EXPECT_EQ(refusal(path).code, ErrorCode::kNoBroker);
}

TEST_F(Connect, AnotherKindOfSocketIsNoBroker) {
  const UniqueFd other = listen_raw(path, SOCK_STREAM, 1);
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kNoBroker);
  EXPECT_NE(error.message.find("not a SOCK_SEQPACKET socket"), std::string::npos) << error.message;
}

TEST_F(Connect, APathThatDoesNotFitIsRefusedWithLengthAndLimit) {
  const auto error = refusal("/" + std::string(107, 'x'));
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(error.message.find("has 108 bytes; the limit is 107"), std::string::npos) << error.message;
  EXPECT_EQ(refusal("/" + std::string(106, 'x')).code, ErrorCode::kNoBroker);
  EXPECT_EQ(refusal("").code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal(std::string("/tmp/a\0b", 8)).code, ErrorCode::kInvalidArgument);
}

TEST_F(Connect, PermissionIsNamed) {
  const UniqueFd listener = listen_raw(path, SOCK_SEQPACKET, 1);
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  ForkedChild stranger([&] {
    constexpr uid_t kNobody = 65534;
    if (geteuid() == 0 && setuid(kNobody) != 0) return 10;  // root may connect everywhere
    const auto connected = connect_to(path);
    return !connected && connected.error().code == ErrorCode::kPermissionDenied ? 0 : 11;
  });
  EXPECT_EQ(stranger.wait(), 0);
}

TEST_F(Connect, ABrokerThatAcceptsNobodyTimesOut) {
  const UniqueFd stopped = listen_raw(path, SOCK_SEQPACKET, 0);
  const auto waiting = connect_to(path);
  ASSERT_TRUE(waiting) << "one connection fits a queue of length 0";
  const std::int64_t start = now_ns();
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kTimeout) << error.message;
  EXPECT_LT(now_ns() - start, std::int64_t{30} * 1'000'000'000);
}

}  // namespace
}  // namespace ferry::platform
