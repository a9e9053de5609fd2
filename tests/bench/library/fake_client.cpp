#include "tests/bench/library/fake_client.h"

#include "client/src/api_handles.h"
#include "platform/vulkan/device.h"
#include "tests/support/check.h"
#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::bench {
namespace {

constexpr std::uint8_t kDeviceNumber = 1;

class Texture final : public platform::ImportedTexture {
 public:
  VkImage image() const override { return VK_NULL_HANDLE; }
  VkImageView view() const override { return VK_NULL_HANDLE; }
  VkFormat vk_format() const override { return VK_FORMAT_R8G8B8A8_UNORM; }
};

/// A GPU that is done before it is asked.
class Timeline final : public platform::Timeline {
 public:
  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  proto::Result<std::uint64_t> value() const override { return UINT64_MAX; }
  proto::Result<void> signal(std::uint64_t) override { return {}; }
  proto::Result<void> wait(std::uint64_t, std::int64_t) const override { return {}; }
};

class ClientDevice final : public platform::VulkanDevice,
                           public platform::TextureImporter,
                           public platform::TimelineImporter {
 public:
  ClientDevice() : capabilities_(daemon::test::FakeGpu(kDeviceNumber).capabilities()) {}
  const platform::VulkanHandles& handles() const override { return handles_; }
  VkQueue queue() const override { return VK_NULL_HANDLE; }
  const platform::DeviceCapabilities& capabilities() const override { return capabilities_; }
  platform::TextureImporter& texture_importer() override { return *this; }
  platform::TimelineImporter& timeline_importer() override { return *this; }
  platform::TextureExporter* texture_exporter() override { return nullptr; }
  std::unique_ptr<platform::TextureExporter> dma_buf_exporter(std::vector<std::uint64_t>, std::uint32_t) override { return nullptr; }
  platform::TimelineExporter* timeline_exporter() override { return nullptr; }
  proto::Result<std::unique_ptr<platform::FenceBridge>> fence_bridge(platform::LentQueue) override {
    return proto::Error{proto::ErrorCode::kUnsupported, "no fences"};
  }
  std::uint64_t validation_errors() const override { return 0; }

  proto::Result<std::unique_ptr<platform::ImportedTexture>> import(platform::UniqueFd, const platform::TextureDesc&,
                                                                   const platform::TextureLayout&) override {
    return std::unique_ptr<platform::ImportedTexture>(std::make_unique<Texture>());
  }
  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd) override { return create_local(); }
  proto::Result<std::unique_ptr<platform::Timeline>> create_local() override {
    return std::unique_ptr<platform::Timeline>(std::make_unique<Timeline>());
  }

 private:
  platform::VulkanHandles handles_;
  platform::DeviceCapabilities capabilities_;
};

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
  auto binding = std::make_shared<client::DeviceBinding>(std::make_unique<ClientDevice>());
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
