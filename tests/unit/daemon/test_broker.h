#pragma once
// The broker on a thread of this process, with a socket of its own.

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "daemon/broker.h"
#include "tests/support/service_manager.h"
#include "tests/support/temp_dir.h"

namespace ferry::daemon::test {

class TestBroker {
 public:
  /// @p manager: if not null, keeps up to @p capacity entries for the next one, and gives it what it has.
  explicit TestBroker(GpuPool gpus, const Limits& limits = {}, Policy policy = Policy({}, geteuid()),
                      std::uint64_t first_id = 0, ferry::test::ServiceManager* manager = nullptr,
                      std::size_t capacity = 1000);
  ~TestBroker();
  TestBroker(const TestBroker&) = delete;
  TestBroker& operator=(const TestBroker&) = delete;

  const std::string& socket() const { return socket_; }
  /// Loop thread.
  const Broker& broker() const { return *broker_; }
  /// Runs @p work on the broker's loop and waits for it.
  void on_loop(const std::function<void()>& work);
  /// As SIGTERM does.
  void stop();

 private:
  ferry::test::TempDir folder_;
  std::string socket_;
  boost::asio::io_context io_{1};
  std::unique_ptr<Broker> broker_;
  std::thread loop_;
};

}  // namespace ferry::daemon::test
