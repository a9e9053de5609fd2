// The same with the driver there is: real allocations, whatever it can export.

#include <fcntl.h>
#include <gtest/gtest.h>

#include "tests/unit/daemon/raw_client.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::daemon::test {
namespace {

TEST(RealDevice, AllocatesExportsAndResizes) {
  auto gpus = GpuPool::create("");
  ASSERT_TRUE(gpus) << gpus.error().message;
  const platform::DeviceCapabilities device = gpus->default_device();
  if (!device.opaque_fd) GTEST_SKIP() << device.opaque_fd_reason;
  TestBroker broker(std::move(*gpus));
  RawClient client(broker.socket()), viewer(broker.socket());
  const auto hello = client.greet("renderer");
  viewer.greet("viewer");
  EXPECT_EQ(hello.devices.at(0)->name, device.name);

  RawProducer producer(client, device, "cam");
  producer.create();
  EXPECT_EQ(producer.created.sync_mode, device.timeline_fd ? wire::SyncMode::Timeline : wire::SyncMode::Host);
  EXPECT_GE(producer.created.generation->allocation_size, 64u * 32 * 4);
  for (const auto& fd : producer.fds) EXPECT_GE(fcntl(fd.get(), F_GETFD), 0);

  RawConsumer consumer(viewer, device, "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  wire::ReconfigureT resize;
  resize.stream = producer.created.stream;
  resize.image = std::make_unique<wire::ImageT>(*producer.request.image);
  resize.image->width_px = 1920;
  resize.image->height_px = 1080;
  resize.image->format = static_cast<std::uint8_t>(proto::Format::kRgba16Float);
  client.send(resize);
  EXPECT_GE(client.expect<wire::GenerationStartedT>().first.generation->allocation_size, 1920u * 1080 * 8);
  viewer.expect<wire::GenerationStartedT>();

  // Sizes that the configuration allows and the driver may not: refused, and the stream goes on.
  resize.image->width_px = resize.image->height_px = 16384;
  client.send(resize);
  const auto refused = client.expect<wire::RefusedT>().first;
  EXPECT_NE(refused.message.find("'cam'"), std::string::npos) << refused.message;
}

TEST(RealDevice, SignalsItsTimelinesForTheDead) {
  auto gpus = GpuPool::create("");
  ASSERT_TRUE(gpus) << gpus.error().message;
  const platform::DeviceCapabilities device = gpus->default_device();
  if (!device.timeline_fd) GTEST_SKIP() << device.timeline_fd_reason;
  TestBroker broker(std::move(*gpus));
  RawClient viewer(broker.socket());
  viewer.greet("viewer");
  StandIn renderer(broker.socket());
  renderer.client().greet("renderer");
  RawProducer producer(renderer.client(), device, "cam");
  producer.create();
  RawConsumer consumer(viewer, device, "cam");
  consumer.attach();
  // What a consumer's GPU would wait for: verdict page, stream page, channel, release timeline, acquire timeline.
  platform::DeviceChoice choice;
  choice.selector = platform::to_string(device.device_uuid);
  auto own_device = platform::create_device(choice);
  ASSERT_TRUE(own_device) << own_device.error().message;
  auto acquire = (*own_device)->timeline_importer().import(std::move(consumer.fds[4]));
  ASSERT_TRUE(acquire) << acquire.error().message;

  producer.publish(1, 0, 6);
  renderer.kill();
  viewer.expect<wire::StreamStateChangedT>();
  EXPECT_TRUE((*acquire)->wait(6, 5'000'000'000));
}

TEST(RealDevice, UnknownSelectorsListWhatThereIs) {
  const auto gpus = GpuPool::create("no such device");
  ASSERT_FALSE(gpus);
  EXPECT_EQ(gpus.error().code, proto::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ferry::daemon::test
