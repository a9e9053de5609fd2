#include "tests/unit/daemon/test_broker.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <semaphore>
#include <stdexcept>

namespace ferry::daemon::test {

TestBroker::TestBroker(GpuPool gpus, const Limits& limits, Policy policy, std::uint64_t first_id)
    : socket_(folder_.file("ferryd.sock")) {
  auto listener = platform::Listener::bind(socket_);
  if (!listener) throw std::runtime_error(listener.error().message);
  broker_ = std::make_unique<Broker>(io_, limits, std::move(policy), std::move(*listener), std::move(gpus), first_id);
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
