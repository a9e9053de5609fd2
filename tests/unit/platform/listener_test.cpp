#include "platform/listener.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "forked_child.h"
#include "platform/message_socket.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using proto::ErrorCode;
using testing::ForkedChild;

mode_t mode_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? info.st_mode & 07777 : 0;
}

bool exists(const std::string& path) {
  struct stat info {};
  return lstat(path.c_str(), &info) == 0;
}

UniqueFd bind_raw(const std::string& path, int type) {
  UniqueFd fd{socket(AF_UNIX, type | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  return fd;
}

proto::Error refusal(const std::string& path) {
  auto listener = Listener::bind(path);
  EXPECT_FALSE(listener.ok());
  return listener ? proto::Error{} : std::move(listener).error();
}

struct ListenerTest : ::testing::Test {
  test::TempDir folder;
  std::string path = folder.file("ferry/ferryd.sock");
  std::string lock_path = path + ".lock";
};

TEST_F(ListenerTest, MakesFolderAndSocketForItsUserAlone) {
  const mode_t before = umask(0);
  const auto listener = Listener::bind(path);
  umask(before);
  ASSERT_TRUE(listener) << listener.error().message;
  EXPECT_EQ(mode_of(folder.file("ferry")), 0700u);
  EXPECT_EQ(mode_of(path), 0600u);
  EXPECT_EQ(mode_of(lock_path), 0600u);
  EXPECT_EQ(test::read_file(lock_path), std::to_string(getpid()) + "\n");
  EXPECT_EQ(listener->path(), path);
}

TEST_F(ListenerTest, AcceptsWithoutBlocking) {
  auto listener = Listener::bind(path);
  ASSERT_TRUE(listener);
  EXPECT_EQ(listener->accept().error().code, ErrorCode::kWouldBlock);
  const auto client = connect_to(path);
  const auto server = listener->accept();
  ASSERT_TRUE(client.ok() && server.ok());
  EXPECT_EQ(fcntl(server->get(), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
  EXPECT_EQ(fcntl(server->get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_F(ListenerTest, LeavesNothingBehind) {
  { ASSERT_TRUE(Listener::bind(path)); }
  EXPECT_TRUE(test::TempDir::list(folder.file("ferry")).empty());
}

TEST_F(ListenerTest, ASecondOneHearsOfTheFirst) {
  const auto first = Listener::bind(path);
  ASSERT_TRUE(first);
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kNameTaken);
  EXPECT_EQ(error.message, "another broker (pid " + std::to_string(getpid()) + ") serves '" + path + "' already");
  ForkedChild second([&] { return Listener::bind(path).ok() ? 1 : 0; });
  EXPECT_EQ(second.wait(), 0);
  EXPECT_TRUE(connect_to(path).ok()) << "the first goes on";
}

TEST_F(ListenerTest, TakesOverFromOneThatWasKilled) {
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const UniqueFd ready_read{ready[0]};
  UniqueFd ready_write{ready[1]};
  ForkedChild broker([&] {
    const auto listener = Listener::bind(path);
    if (!listener || write(ready_write.get(), "x", 1) != 1) return 1;
    for (;;) pause();
  });
  ready_write.reset();
  char byte = 0;
  ASSERT_EQ(read(ready_read.get(), &byte, 1), 1);
  broker.kill();
  ASSERT_TRUE(exists(path) && exists(lock_path));

  const auto successor = Listener::bind(path);
  ASSERT_TRUE(successor) << successor.error().message;
  EXPECT_EQ(test::read_file(lock_path), std::to_string(getpid()) + "\n");
  EXPECT_TRUE(connect_to(path).ok());
}

TEST_F(ListenerTest, LeavesAloneWhatIsNoSocket) {
  std::filesystem::create_directory(folder.file("ferry"));
  test::write_file(path, "precious");
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(error.message, "cannot listen at '" + path + "': it is a regular file, and stays as it is");
  EXPECT_EQ(test::read_file(path), "precious");

  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_EQ(refusal(path).message, "cannot listen at '" + path + "': it is a symbolic link, and stays as it is");
  EXPECT_TRUE(exists(path));
}

TEST_F(ListenerTest, DoesNotFollowALockFileElsewhere) {
  std::filesystem::create_directory(folder.file("ferry"));
  test::write_file(folder.file("precious"), "precious");
  std::filesystem::create_symlink(folder.file("precious"), lock_path);
  EXPECT_NE(refusal(path).message.find("open lock file '" + lock_path + "'"), std::string::npos);
  EXPECT_EQ(test::read_file(folder.file("precious")), "precious");
}

TEST_F(ListenerTest, LeavesAloneASocketThatSomebodyServesWithoutOurLock) {
  std::filesystem::create_directory(folder.file("ferry"));
  const UniqueFd other = bind_raw(path, SOCK_SEQPACKET);
  ASSERT_EQ(listen(other.get(), 1), 0);
  const auto error = refusal(path);
  EXPECT_EQ(error.code, ErrorCode::kNameTaken);
  const std::string who = "(pid " + std::to_string(getpid()) + ") listens at '" + path + "' already";
  EXPECT_NE(error.message.find(who), std::string::npos) << error.message;
  EXPECT_TRUE(connect_to(path).ok());
  const auto busy = refusal(path);
  EXPECT_EQ(busy.code, ErrorCode::kNameTaken) << "nor with its queue full";
  EXPECT_NE(busy.message.find("queue of clients is full"), std::string::npos) << busy.message;
}

TEST_F(ListenerTest, SaysThatAServiceManagerStartsTheBroker) {
  std::filesystem::create_directory(folder.file("ferry"));
  const UniqueFd other = bind_raw(path, SOCK_SEQPACKET);
  ASSERT_EQ(listen(other.get(), 1), 0);
  char before[16] = {};
  prctl(PR_GET_NAME, before);
  prctl(PR_SET_NAME, "systemd");
  const auto error = refusal(path);
  prctl(PR_SET_NAME, before);
  EXPECT_EQ(error.message, "systemd (pid " + std::to_string(getpid()) +
                               "), which starts a broker when a client comes, listens at '" + path + "' already");
}

TEST_F(ListenerTest, RemovesNoFileThatIsNotItsOwn) {
  {
    const auto listener = Listener::bind(path);
    ASSERT_TRUE(listener);
    std::filesystem::rename(path, folder.file("moved"));
    test::write_file(path, "another's");
  }
  EXPECT_EQ(test::read_file(path), "another's");
  EXPECT_FALSE(exists(lock_path));
}

TEST_F(ListenerTest, MovesWithItsPath) {
  auto first = Listener::bind(path);
  ASSERT_TRUE(first);
  const std::string other_path = folder.file("ferry/other.sock");
  auto second = Listener::bind(other_path);
  ASSERT_TRUE(second);
  Listener moved = std::move(*first);
  EXPECT_TRUE(exists(path));
  moved = std::move(*second);
  EXPECT_FALSE(exists(path)) << "what it had is given up";
  EXPECT_TRUE(exists(other_path));
  EXPECT_TRUE(connect_to(other_path).ok());
}

TEST_F(ListenerTest, RefusesPathsItCannotUse) {
  const auto longer = refusal(folder.file(std::string(120, 'x')));
  EXPECT_EQ(longer.code, ErrorCode::kInvalidArgument);
  EXPECT_NE(longer.message.find("the limit is 107"), std::string::npos) << longer.message;
  const auto missing = refusal(folder.file("no/such/ferryd.sock"));
  EXPECT_NE(missing.message.find(folder.file("no/such")), std::string::npos) << missing.message;
}

TEST_F(ListenerTest, AdoptsWhatAServiceManagerPassed) {
  const std::string bound = folder.file("activated.sock");
  UniqueFd passed = bind_raw(bound, SOCK_SEQPACKET);
  ASSERT_EQ(listen(passed.get(), 5), 0);
  {
    auto listener = Listener::adopt(std::move(passed));
    ASSERT_TRUE(listener) << listener.error().message;
    EXPECT_EQ(listener->path(), bound);
    EXPECT_EQ(listener->accept().error().code, ErrorCode::kWouldBlock);
    const auto client = connect_to(bound);
    EXPECT_TRUE(listener->accept().ok());
  }
  EXPECT_TRUE(exists(bound)) << "the path is the service manager's";
}

TEST_F(ListenerTest, RefusesToAdoptAnythingElse) {
  auto refusal_of = [](UniqueFd fd) {
    auto adopted = Listener::adopt(std::move(fd));
    return adopted ? std::string("adopted") : adopted.error().message;
  };
  EXPECT_NE(refusal_of(bind_raw(folder.file("a"), SOCK_SEQPACKET)).find("does not listen"), std::string::npos);
  UniqueFd stream = bind_raw(folder.file("b"), SOCK_STREAM);
  ASSERT_EQ(listen(stream.get(), 1), 0);
  EXPECT_NE(refusal_of(std::move(stream)).find("no SEQPACKET socket"), std::string::npos);
  EXPECT_NE(refusal_of(UniqueFd{memfd_create("x", 0)}).find("a regular file, not a Unix socket"), std::string::npos);
  EXPECT_NE(refusal_of(UniqueFd{socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)}).find("no Unix socket"),
            std::string::npos);
}

}  // namespace
}  // namespace ferry::platform
