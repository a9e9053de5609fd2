#include "platform/service.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>

#include "forked_child.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using testing::ForkedChild;

bool is_ours(std::string_view name) { return name.starts_with("ours-"); }

TEST(Service, WithoutAManagerNothingHappens) {
  unsetenv("NOTIFY_SOCKET");
  unsetenv("LISTEN_FDS");
  notify_ready("ready");
  notify_stopping();
  EXPECT_TRUE(take_passed(is_ours).sockets.empty());
  EXPECT_EQ(fd_store_capacity(), 0u);
  EXPECT_EQ(connect_to_manager().error().code, proto::ErrorCode::kNoBroker);
}

TEST(Service, TellsTheManager) {
  const test::TempDir folder;
  const std::string path = folder.file("notify");
  const UniqueFd manager{socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ASSERT_EQ(bind(manager.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  notify_ready("serving 100% of 2 devices");
  notify_stopping();
  unsetenv("NOTIFY_SOCKET");
  auto heard = [&] {
    char text[256];
    const ssize_t length = recv(manager.get(), text, sizeof text, MSG_DONTWAIT);
    return std::string(text, length > 0 ? static_cast<std::size_t>(length) : 0);
  };
  EXPECT_EQ(heard(), "READY=1\nSTATUS=serving 100% of 2 devices");
  EXPECT_EQ(heard(), "STOPPING=1");
}

TEST(Service, TakesPassedSocketsOnce) {
  ForkedChild activated([] {
    const UniqueFd passed{socket(AF_UNIX, SOCK_SEQPACKET, 0)};
    constexpr int kFirstPassed = 3;
    if (dup2(passed.get(), kFirstPassed) != kFirstPassed || dup2(passed.get(), kFirstPassed + 1) < 0) return 1;
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "2", 1);
    const auto sockets = take_passed(is_ours).sockets;
    if (sockets.size() != 2 || sockets[0].get() != kFirstPassed) return 2;
    return take_passed(is_ours).sockets.empty() ? 0 : 3;
  });
  EXPECT_EQ(activated.wait(), 0);
}

TEST(Service, TellsWhatIsPassedApart) {
  ForkedChild activated([] {
    constexpr int kFirstPassed = 3;
    const UniqueFd listening{socket(AF_UNIX, SOCK_SEQPACKET, 0)}, kept{socket(AF_UNIX, SOCK_SEQPACKET, 0)};
    const UniqueFd file{open("/dev/null", O_RDONLY)};
    sockaddr_un address{};
    address.sun_family = AF_UNIX;  // the kernel chooses an abstract name
    if (bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address.sun_family) != 0 ||
        listen(listening.get(), 1) != 0)
      return 1;
    const int above[] = {fcntl(kept.get(), F_DUPFD, 20), fcntl(file.get(), F_DUPFD, 20), fcntl(listening.get(), F_DUPFD, 20),
                         fcntl(file.get(), F_DUPFD, 20)};
    for (int i = 0; i < 4; ++i)
      if (dup2(above[i], kFirstPassed + i) < 0) return 1;
    setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
    setenv("LISTEN_FDS", "4", 1);
    setenv("LISTEN_FDNAMES", "ours-1:ours-2:ours-any.socket:stranger", 1);
    const Passed passed = take_passed(is_ours);
    if (passed.sockets.size() != 1 || passed.sockets[0].get() != kFirstPassed + 2) return 2;
    if (passed.stored.size() != 2 || passed.stored[0].name != "ours-1" || passed.stored[1].fd.get() != kFirstPassed + 1)
      return 3;
    if (passed.unknown.size() != 1 || passed.unknown[0].name != "stranger") return 4;
    return std::getenv("LISTEN_FDNAMES") == nullptr ? 0 : 5;
  });
  EXPECT_EQ(activated.wait(), 0);
}

TEST(Service, TheStoreHasRoomForWhatTheManagerSays) {
  setenv("NOTIFY_SOCKET", "/run/nobody", 1);
  for (const auto& [text, capacity] : {std::pair{"512", 512u}, {"0", 0u}, {"", 0u}, {"12x", 0u}, {"-1", 0u}}) {
    setenv("FDSTORE", text, 1);
    EXPECT_EQ(fd_store_capacity(), capacity) << text;
  }
  setenv("FDSTORE", "512", 1);
  unsetenv("NOTIFY_SOCKET");
  EXPECT_EQ(fd_store_capacity(), 0u) << "nobody to give it to";
  unsetenv("FDSTORE");
}

}  // namespace
}  // namespace ferry::platform
