#include "tests/bench/library/fake_client.h"

#include "client/src/api_handles.h"
#include "tests/support/check.h"
#include "tests/unit/client/stand_in_device.h"
#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::bench {
namespace {

constexpr std::uint8_t kDeviceNumber = 1;

}  // namespace

FakeBroker::FakeBroker() {
  daemon::Limits limits;
  limits.max_leases_per_session = 4096;
  auto gpu = std::make_shared<daemon::test::FakeGpu>(kDeviceNumber, true);
  broker_ = std::make_unique<daemon::test::TestBroker>(daemon::GpuPool::of({gpu}), limits);
}
FakeBroker::~FakeBroker() = default;
const std::string& FakeBroker::socket() const { return broker_->socket(); }

FakeClient::FakeClient(const std::string& socket) {
  ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
  connect.socket_path = socket.c_str();
  connect.timeout_ns = 60'000'000'000;
  test::check(ferry_connect(&connect, &connection_), "ferry_connect");
  auto binding = std::make_shared<client::DeviceBinding>(
      std::make_unique<client::StandInDevice>(daemon::test::FakeGpu(kDeviceNumber).capabilities()));
  test::check(
      client::give_out(client::handles().devices, std::make_unique<client::DeviceHandle>(std::move(binding)), &device_),
      "a handle for the device");
}

FakeClient::~FakeClient() {
  ferry_device_destroy(device_);
  ferry_disconnect(connection_);
}

ferry_producer* FakeClient::create(const std::string& name) const {
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = name.c_str();
  info.image.width_px = info.image.height_px = 64;
  info.image.format = FERRY_FORMAT_RGBA8_UNORM;
  info.frames_in_flight = 1;
  ferry_producer* producer = nullptr;
  test::check(ferry_producer_create(connection_, device_, &info, &producer), "ferry_producer_create");
  return producer;
}

ferry_consumer* FakeClient::attach(const std::string& name) const {
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = name.c_str();
  info.max_holds = 1;
  ferry_consumer* consumer = nullptr;
  test::check(ferry_consumer_attach(connection_, device_, &info, &consumer), "ferry_consumer_attach");
  return consumer;
}

}  // namespace ferry::bench
