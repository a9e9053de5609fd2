#pragma once
// A broker over fake devices, and short ways to its clients.

#include <gtest/gtest.h>
#include <unistd.h>

#include <memory>

#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/raw_client.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::daemon::test {

class BrokerTest : public ::testing::Test {
 protected:
  /// Called by each test, or by its first connect().
  void start(const Limits& limits = {}, bool has_timelines = false, Policy policy = Policy({}, geteuid())) {
    gpu = std::make_shared<FakeGpu>(std::uint8_t{1}, has_timelines);
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), limits, std::move(policy), 0, manager.get());
  }
  /// A session that has greeted.
  RawClient connect(const std::string& application = "tester") {
    if (!broker) start();
    RawClient client(broker->socket());
    client.greet(application);
    return client;
  }
  /// One of a process that can be killed.
  std::unique_ptr<StandIn> stand_in(const std::string& application) {
    if (!broker) start();
    auto process = std::make_unique<StandIn>(broker->socket());
    process->client().greet(application);
    return process;
  }
  /// As if ferryd were killed and started again: what clients hold is all that is left, and what the manager keeps.
  void restart(const Limits& limits = {}, Policy policy = Policy({}, geteuid())) {
    if (manager) {
      broker->on_loop([] {});
      manager->catch_up();
    }
    const std::uint64_t first_id = ++restarts_ << 20;
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), limits, std::move(policy), first_id, manager.get());
  }
  const platform::DeviceCapabilities& device() const { return gpu->capabilities(); }

  ferry::test::TempDir folder;
  std::unique_ptr<ferry::test::ServiceManager> manager;  ///< nullptr: there is none
  std::shared_ptr<FakeGpu> gpu;
  std::unique_ptr<TestBroker> broker;

 private:
  std::uint64_t restarts_ = 0;
};

}  // namespace ferry::daemon::test
