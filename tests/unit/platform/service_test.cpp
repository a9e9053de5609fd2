#include "platform/service.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

#include "forked_child.h"
#include "tests/support/temp_dir.h"

namespace ferry::platform {
namespace {

using testing::ForkedChild;

TEST(Service, WithoutAManagerNothingHappens) {
  unsetenv("NOTIFY_SOCKET");
  unsetenv("LISTEN_FDS");
  notify_ready("ready");
  notify_stopping();
  EXPECT_TRUE(take_activation_sockets().empty());
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
    const auto sockets = take_activation_sockets();
    if (sockets.size() != 2 || sockets[0].get() != kFirstPassed) return 2;
    return take_activation_sockets().empty() ? 0 : 3;
  });
  EXPECT_EQ(activated.wait(), 0);
}

}  // namespace
}  // namespace ferry::platform
