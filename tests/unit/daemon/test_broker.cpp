#include "tests/unit/daemon/test_broker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <semaphore>
#include <stdexcept>

namespace ferry::daemon::test {

namespace {

std::vector<platform::PassedFd> passed_by(const ferry::test::ServiceManager& manager) {
  std::vector<platform::PassedFd> passed;
  for (auto& [name, fd] : manager.stored()) passed.push_back({name, std::move(fd)});
  return passed;
}

platform::UniqueFd connect_to(const ferry::test::ServiceManager& manager) {
  setenv("NOTIFY_SOCKET", manager.path().c_str(), 1);
  auto connected = platform::connect_to_manager();
  unsetenv("NOTIFY_SOCKET");
  if (!connected) throw std::runtime_error(connected.error().message);
  return std::move(*connected);
}

}  // namespace

TestBroker::TestBroker(GpuPool gpus, const Limits& limits, Policy policy, std::uint64_t first_id,
                       ferry::test::ServiceManager* manager, std::size_t capacity)
    : socket_(folder_.file("ferryd.sock")) {
  auto listener = platform::Listener::bind(socket_);
  if (!listener) throw std::runtime_error(listener.error().message);
  std::unique_ptr<FdStore> store;
  if (manager != nullptr) store = std::make_unique<FdStore>(io_, connect_to(*manager), capacity);
  broker_ = std::make_unique<Broker>(io_, limits, std::move(policy), std::move(*listener), std::move(gpus), first_id,
                                     std::move(store));
  if (manager != nullptr) broker_->restore(passed_by(*manager));
  if (auto started = broker_->start(); !started) throw std::runtime_error(started.error().message);
  loop_ = std::thread([this] {
    auto keep = boost::asio::make_work_guard(io_);
    io_.run();
  });
}

TestBroker::~TestBroker() { stop(); }

void TestBroker::on_loop(const std::function<void()>& work) {
  std::binary_semaphore done{0};
  boost::asio::post(io_, [&] {
    work();
    done.release();
  });
  done.acquire();
}

void TestBroker::stop() {
  if (!loop_.joinable()) return;
  boost::asio::post(io_, [this] {
    broker_->stop("ferryd is shutting down");
    io_.stop();
  });
  loop_.join();
  broker_.reset();
}

}  // namespace ferry::daemon::test
