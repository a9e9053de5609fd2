// ferryd as a service manager sees it: passed sockets, readiness, the watchdog.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/support/child_process.h"
#include "tests/support/deadline.h"
#include "tests/support/service_manager.h"
#include "tests/support/session.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

struct ServiceTest : ::testing::Test {
  TempDir folder;
  std::string socket = folder.file("s/ferryd.sock");
  ServiceManager manager{folder.file("notify")};
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
