#include "tests/bench/peer/client.h"

#include "platform/clock.h"

namespace ferry::bench {

using test::check;

Client::Client(const Device& device, const test::Gpu& gpu, const std::string& socket) {
  ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
  connect.socket_path = socket.c_str();
  connect.timeout_ns = 60'000'000'000;
  check(ferry_connect(&connect, &connection_), "ferry_connect");
  const ferry_vulkan_info info = device.ferry_info(gpu);
  check(ferry_device_wrap(&info, &device_), "ferry_device_wrap");
}

Client::~Client() {
  ferry_device_destroy(device_);
  ferry_disconnect(connection_);
}

ferry_producer* Client::create(const std::string& name, std::uint32_t width_px, std::uint32_t height_px) const {
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = name.c_str();
  info.image.width_px = width_px;
  info.image.height_px = height_px;
  info.image.format = FERRY_FORMAT_RGBA8_UNORM;
  info.frames_in_flight = 1;
  ferry_producer* producer = nullptr;
  check(ferry_producer_create(connection_, device_, &info, &producer), "ferry_producer_create");
  return producer;
}

ferry_consumer* Client::attach(const std::string& name, std::uint32_t mode) const {
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = name.c_str();
  info.mode = mode;
  info.max_holds = 1;
  ferry_consumer* consumer = nullptr;
  check(ferry_consumer_attach(connection_, device_, &info, &consumer), "ferry_consumer_attach");
  return consumer;
}

void publish_empty_frame(const Device& device, ferry_producer* producer) {
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  check(ferry_producer_begin(producer, 30'000'000'000, &target), "ferry_producer_begin");
  test::GpuCommands commands(device.gpu());
  commands.begin();
  commands.submit({.wait_semaphores = {target.wait_semaphores, target.wait_count},
                   .wait_values = {target.wait_values, target.wait_count},
                   .signal_semaphore = target.signal_semaphore,
                   .signal_value = target.signal_value});
  check(ferry_producer_publish(producer, target.id, nullptr), "ferry_producer_publish");
  commands.wait();
}

double us_since(std::int64_t start_ns) { return static_cast<double>(platform::now_ns() - start_ns) / 1000; }

}  // namespace ferry::bench
