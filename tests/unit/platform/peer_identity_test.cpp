#include <gtest/gtest.h>
#include <poll.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "forked_child.h"
#include "platform/linux/process_start.h"
#include "platform/listener.h"
#include "platform/message_socket.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using testing::ForkedChild;

bool readable(const UniqueFd& fd, int timeout_ms) {
  pollfd watched{fd.get(), POLLIN, 0};
  return poll(&watched, 1, timeout_ms) == 1;
}

struct PeerIdentityTest : ::testing::Test {
  test::TempDir folder;
  std::string path = folder.file("ferryd.sock");
  proto::Result<Listener> listener = Listener::bind(path);

  UniqueFd accept() {
    EXPECT_TRUE(wait_readable(listener->fd(), UniqueFd{}, -1).ok());
    auto connection = listener->accept();
    EXPECT_TRUE(connection.ok());
    return std::move(*connection);
  }
};

TEST_F(PeerIdentityTest, IsTheKernelsAndOutlivesTheSocketsEnd) {
  ForkedChild client([&] {
    prctl(PR_SET_NAME, "vie\x1bwer");
    auto connection = connect_to(path);
    if (!connection) return 1;
    connection->reset();  // the socket may close long before the process ends
    for (;;) pause();
  });
  const UniqueFd connection = accept();
  const auto peer = identify_peer(connection);
  ASSERT_TRUE(peer) << peer.error().message;
  EXPECT_EQ(peer->pid, client.pid());
  EXPECT_EQ(peer->uid, getuid());
  EXPECT_EQ(peer->gid, getgid());
  EXPECT_EQ(peer->process, "vie\\x1bwer");
  EXPECT_EQ(peer->started_ticks, process_start_ticks(client.pid()));
  ASSERT_TRUE(peer->pidfd);
  EXPECT_FALSE(readable(peer->pidfd, 0));
  client.kill();
  EXPECT_TRUE(readable(peer->pidfd, 20'000));
}

TEST_F(PeerIdentityTest, OfAProcessThatIsGoneIsDisconnectedOrReadable) {
  ForkedChild client([&] { return connect_to(path).ok() ? 0 : 1; });
  ASSERT_EQ(client.wait(), 0);
  const UniqueFd connection = accept();
  const auto peer = identify_peer(connection);
  if (peer) {
    EXPECT_TRUE(readable(peer->pidfd, 0));
  } else {
    EXPECT_EQ(peer.error().code, proto::ErrorCode::kDisconnected) << peer.error().message;
  }
}

TEST(ProcessIdentity, IsFoundAgainByNumberAndStart) {
  ForkedChild child([] {
    prctl(PR_SET_NAME, "a) R 1 (b");  // proc_pid_stat(5) is to be read from behind
    for (;;) pause();
    return 0;
  });
  ASSERT_TRUE(child.wait_until_asleep());
  const std::uint64_t started = process_start_ticks(child.pid());
  ASSERT_NE(started, 0u);
  EXPECT_GE(started, process_start_ticks(getpid()));
  const auto found = identify_process(child.pid(), started);
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->pid, child.pid());
  EXPECT_EQ(found->uid, geteuid());
  EXPECT_EQ(found->gid, getegid());
  EXPECT_EQ(found->process, "a) R 1 (b");
  EXPECT_EQ(found->started_ticks, started);
  EXPECT_NE(found->origin.executable, "");
  EXPECT_FALSE(readable(found->pidfd, 0));
  child.kill();
  EXPECT_TRUE(readable(found->pidfd, 20'000));
  child.wait();
  const auto gone = identify_process(child.pid(), started);
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code, proto::ErrorCode::kNotFound) << gone.error().message;
}

TEST(ProcessIdentity, IsNotWhoeverGetsTheNumberLater) {
  const std::uint64_t started = process_start_ticks(getpid());
  const auto another = identify_process(getpid(), started - 1);
  ASSERT_FALSE(another);
  EXPECT_EQ(another.error().code, proto::ErrorCode::kNotFound);
  const auto anybody = identify_process(getpid(), 0);
  ASSERT_FALSE(anybody);
  EXPECT_EQ(anybody.error().code, proto::ErrorCode::kSystem);
  for (const pid_t pid : {0, -1}) EXPECT_EQ(identify_process(pid, started).error().code, proto::ErrorCode::kNotFound);
}

TEST(PeerIdentity, NeedsASocket) { EXPECT_FALSE(identify_peer(UniqueFd{}).ok()); }

}  // namespace
}  // namespace ferry::platform
