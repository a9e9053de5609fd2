// ferryd as a service manager sees it: passed sockets, readiness, the watchdog.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/session.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

/// The end of NOTIFY_SOCKET that belongs to a service manager.
class Manager {
 public:
  explicit Manager(const std::string& path) : path_(path), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size());
    if (!fd_ || ::bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot bind " + path);
  }
  /// Waits until it has heard a line @p wanted so often; how often it has.
  int hear(std::string_view wanted, int times, std::chrono::milliseconds timeout) {
    const Deadline deadline(timeout);
    int heard = 0;
    while (heard < times && !deadline.passed()) {
      pollfd readable{fd_.get(), POLLIN, 0};
      if (::poll(&readable, 1, deadline.left_ms()) <= 0) break;
      char text[1024];
      const ssize_t got = ::recv(fd_.get(), text, sizeof text, 0);
      if (got > 0 && std::string_view(text, static_cast<std::size_t>(got)).find(wanted) != std::string_view::npos) ++heard;
    }
    return heard;
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
  platform::UniqueFd fd_;
};

struct ServiceTest : ::testing::Test {
  TempDir folder;
  std::string socket = folder.file("s/ferryd.sock");
  Manager manager{folder.file("notify")};
  ChildProcess start(std::vector<std::pair<std::string, std::string>> environment) {
    SpawnOptions options;
    options.error_file = folder.file("log");
    options.environment = std::move(environment);
    options.environment.emplace_back("NOTIFY_SOCKET", manager.path());
    return ChildProcess(program_folder() + "/ferryd", {"--socket", socket}, std::move(options));
  }
};

TEST_F(ServiceTest, FeedsTheWatchdogThatAsks) {
  ChildProcess broker = start({{"WATCHDOG_USEC", "400000"}});
  ASSERT_EQ(manager.hear("READY=1", 1, 30s), 1) << read_file(folder.file("log"));
  EXPECT_EQ(manager.hear("WATCHDOG=1", 5, 30s), 5);
  // A loop that hangs is silent.
  broker.send_signal(SIGSTOP);
  manager.hear("WATCHDOG=1", 1000, 300ms);
  EXPECT_EQ(manager.hear("WATCHDOG=1", 1, 1s), 0);
  broker.send_signal(SIGCONT);
  EXPECT_EQ(manager.hear("WATCHDOG=1", 2, 30s), 2);
  broker.send_signal(SIGTERM);
  EXPECT_EQ(manager.hear("STOPPING=1", 1, 30s), 1);
  EXPECT_TRUE(broker.wait_exit().clean());
}

TEST_F(ServiceTest, WithoutAWatchdogItStaysSilent) {
  ChildProcess broker = start({});
  ASSERT_EQ(manager.hear("READY=1", 1, 30s), 1) << read_file(folder.file("log"));
  EXPECT_EQ(manager.hear("WATCHDOG=1", 1, 1s), 0);
  broker.send_signal(SIGTERM);
  EXPECT_TRUE(broker.wait_exit().clean());
}

TEST_F(ServiceTest, TheFirstClientStartsIt) {
  const std::string activator = "/usr/bin/systemd-socket-activate";
  ASSERT_EQ(access(activator.c_str(), X_OK), 0) << activator << " is not installed; scripts/setup does it";
  std::filesystem::create_directory(folder.file("s"));
  SpawnOptions options;
  options.error_file = folder.file("log");
  std::vector<std::string> arguments{"--seqpacket", "--listen", socket};
  if (std::getenv("VK_DRIVER_FILES") != nullptr) arguments.push_back("--setenv=VK_DRIVER_FILES");
  arguments.push_back(program_folder() + "/ferryd");
  ChildProcess manager_process(activator, std::move(arguments), std::move(options));
  const Deadline deadline(30s);
  while (access(socket.c_str(), F_OK) != 0 && !deadline.passed()) usleep(10'000);
  {
    const Session client({.socket = socket});
    const auto status = client.status();
    EXPECT_EQ(status["broker"]["pid"], manager_process.pid()) << "it has become the broker: " << status;
    EXPECT_EQ(status["broker"]["socket"], socket);
  }
  manager_process.send_signal(SIGTERM);
  EXPECT_TRUE(manager_process.wait_exit().clean()) << read_file(folder.file("log"));
  EXPECT_EQ(access(socket.c_str(), F_OK), 0) << "the socket is the manager's to remove";
}

}  // namespace
}  // namespace ferry::test
