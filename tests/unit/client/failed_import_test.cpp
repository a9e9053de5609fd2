// libferry with a device that refuses what a test wants it to, and a broker in this process: what it does with a generation
// that it cannot import.

#include <gtest/gtest.h>

#include <algorithm>
#include <mutex>
#include <vector>

#include "client/src/api_handles.h"
#include "tests/support/deadline.h"
#include "tests/unit/daemon/fake_gpu.h"
#include "tests/unit/daemon/raw_client.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::client {
namespace {

using namespace std::chrono_literals;
using platform::Transport;

constexpr std::uint64_t kTiled = 0x0300000000606010u;

/// RGBA8 as dma-bufs in LINEAR and in a layout that its driver likes better.
platform::DeviceCapabilities able(std::uint8_t number, bool host_memory) {
  daemon::test::FakeGpu device(number, false);
  device.add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
  platform::DeviceCapabilities capabilities = device.capabilities();
  capabilities.host_memory = host_memory;
  return capabilities;
}

class StandInTexture final : public platform::ImportedTexture {
 public:
  VkImage image() const override { return VK_NULL_HANDLE; }
  VkImageView view() const override { return VK_NULL_HANDLE; }
  VkFormat vk_format() const override { return VK_FORMAT_R8G8B8A8_UNORM; }
};

class StandInTimeline final : public platform::Timeline {
 public:
  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  proto::Result<std::uint64_t> value() const override { return UINT64_MAX; }
  proto::Result<void> signal(std::uint64_t) override { return {}; }
  proto::Result<void> wait(std::uint64_t, std::int64_t) const override { return {}; }
};

/// Notes what it is given.
class PickyDevice final : public platform::VulkanDevice,
                          public platform::TextureImporter,
                          public platform::TimelineImporter {
 public:
  explicit PickyDevice(platform::DeviceCapabilities capabilities) : capabilities_(std::move(capabilities)) {}

  void refuse(std::vector<std::uint64_t> modifiers) {
    const std::lock_guard lock(mutex_);
    refused_ = std::move(modifiers);
  }
  /// Modifiers of dma-bufs, in their order, each once in a row.
  std::vector<std::uint64_t> tried() const {
    const std::lock_guard lock(mutex_);
    return tried_;
  }

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
                                                                   const platform::TextureLayout& layout) override {
    const std::lock_guard lock(mutex_);
    if (layout.transport == Transport::kDmaBuf) {
      if (tried_.empty() || tried_.back() != layout.modifier) tried_.push_back(layout.modifier);
      if (std::find(refused_.begin(), refused_.end(), layout.modifier) != refused_.end())
        return proto::Error{proto::ErrorCode::kUnsupported, "the driver says no"};
    }
    return std::unique_ptr<platform::ImportedTexture>(std::make_unique<StandInTexture>());
  }
  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd) override { return create_local(); }
  proto::Result<std::unique_ptr<platform::Timeline>> create_local() override {
    return std::unique_ptr<platform::Timeline>(std::make_unique<StandInTimeline>());
  }

 private:
  const platform::VulkanHandles handles_;
  const platform::DeviceCapabilities capabilities_;
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> refused_, tried_;
};

class FailedImport : public ::testing::Test {
 protected:
  void SetUp() override {
    gpu_ = std::make_shared<daemon::test::FakeGpu>(std::uint8_t{1}, false);
    gpu_->add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
    broker_ = std::make_unique<daemon::test::TestBroker>(daemon::GpuPool::of({gpu_}));
    ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
    connect.socket_path = broker_->socket().c_str();
    connect.application = "picky";
    ASSERT_EQ(ferry_connect(&connect, &connection_), FERRY_OK) << ferry_last_error();
  }
  void TearDown() override {
    if (consumer_ != nullptr) {
      EXPECT_EQ(ferry_consumer_destroy(consumer_), FERRY_OK) << ferry_last_error();
    }
    if (producer_ != nullptr) {
      EXPECT_EQ(ferry_producer_destroy(producer_), FERRY_OK) << ferry_last_error();
    }
    if (device_ != nullptr) {
      EXPECT_EQ(ferry_device_destroy(device_), FERRY_OK) << ferry_last_error();
    }
    EXPECT_EQ(ferry_disconnect(connection_), FERRY_OK) << ferry_last_error();
  }
  void use_device(std::uint8_t number, bool host_memory = true) {
    auto device = std::make_unique<PickyDevice>(able(number, host_memory));
    picky_ = device.get();
    auto binding = std::make_shared<DeviceBinding>(std::move(device));
    ASSERT_EQ(give_out(handles().devices, std::make_unique<DeviceHandle>(std::move(binding)), &device_), FERRY_OK);
  }
  /// A producer elsewhere, which imports everything.
  void start_stream() {
    renderer_ = std::make_unique<daemon::test::RawClient>(broker_->socket());
    renderer_->greet("renderer");
    stream_ = std::make_unique<daemon::test::RawProducer>(*renderer_, able(1, true), "cam");
    stream_->create();
  }
  void attach() {
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "cam";
    ASSERT_EQ(ferry_consumer_attach(connection_, device_, &info, &consumer_), FERRY_OK) << ferry_last_error();
  }
  std::string consumers_transport() const {
    ferry_stream_state state{};
    state.struct_size = FERRY_STREAM_STATE_SIZE;
    EXPECT_EQ(ferry_consumer_get_state(consumer_, &state), FERRY_OK) << ferry_last_error();
    return state.transport;
  }

  std::shared_ptr<daemon::test::FakeGpu> gpu_;
  std::unique_ptr<daemon::test::TestBroker> broker_;
  std::unique_ptr<daemon::test::RawClient> renderer_;
  std::unique_ptr<daemon::test::RawProducer> stream_;
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
  ferry_consumer* consumer_ = nullptr;
  ferry_producer* producer_ = nullptr;
  PickyDevice* picky_ = nullptr;
};

TEST_F(FailedImport, OfAConsumersFirstGenerationCostsOneModifier) {
  start_stream();
  use_device(2);
  picky_->refuse({kTiled});
  attach();
  EXPECT_EQ(consumers_transport(), "dma-buf");
  EXPECT_EQ(picky_->tried(), (std::vector<std::uint64_t>{kTiled, 0}));
}

TEST_F(FailedImport, OfEveryModifierCostsTheTransport) {
  start_stream();
  use_device(2);
  picky_->refuse({kTiled, 0});
  attach();
  EXPECT_EQ(consumers_transport(), "host-memory");
  EXPECT_EQ(picky_->tried(), (std::vector<std::uint64_t>{kTiled, 0}));
}

TEST_F(FailedImport, OfAProducersFirstGenerationCostsOneModifier) {
  use_device(1);
  picky_->refuse({kTiled});
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = "cam";
  info.image.width_px = info.image.height_px = 64;
  info.image.format = FERRY_FORMAT_RGBA8_UNORM;
  info.transport = FERRY_TRANSPORT_DMA_BUF;
  ASSERT_EQ(ferry_producer_create(connection_, device_, &info, &producer_), FERRY_OK) << ferry_last_error();
  EXPECT_EQ(picky_->tried(), (std::vector<std::uint64_t>{kTiled, 0}));
}

TEST_F(FailedImport, OfTheLastWayEndsTheLeaseAndSaysWhoLacksWhat) {
  start_stream();
  use_device(2, false);
  attach();
  ASSERT_EQ(consumers_transport(), "dma-buf");
  picky_->refuse({kTiled, 0});
  wire::ReconfigureT bigger;
  bigger.stream = stream_->created.stream;
  bigger.image = std::make_unique<wire::ImageT>(*stream_->request.image);
  bigger.image->width_px *= 2;
  renderer_->send(std::move(bigger));

  const ferry::test::Deadline deadline(10s);
  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  std::int32_t code = FERRY_ERROR_TIMEOUT;
  while (code == FERRY_ERROR_TIMEOUT && !deadline.passed()) code = ferry_consumer_acquire(consumer_, 100'000'000, &frame);
  ASSERT_EQ(code, FERRY_ERROR_EVICTED) << ferry_last_error();
  ferry_conflict conflict{};
  conflict.struct_size = FERRY_CONFLICT_SIZE;
  ASSERT_EQ(ferry_last_conflict(&conflict), FERRY_OK);
  EXPECT_NE(std::string(conflict.party).find("consumer 'picky'"), std::string::npos) << conflict.party;
  EXPECT_STREQ(conflict.constraint, "transport");
  EXPECT_STREQ(conflict.party_has, "opaque-fd");
  EXPECT_STREQ(conflict.others_have, "host-memory");
}

}  // namespace
}  // namespace ferry::client
