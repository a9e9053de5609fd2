// libferry with a device that refuses what a test wants it to, and a broker in this process: what it does with a generation
// that it cannot import.

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/deadline.h"
#include "tests/unit/client/picky_device.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::client {
namespace {

using namespace std::chrono_literals;

class FailedImport : public LibraryTest {
 protected:
  void SetUp() override {
    auto gpu = std::make_shared<daemon::test::FakeGpu>(std::uint8_t{1}, false);
    gpu->add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
    connect(std::move(gpu), "picky");
  }
  void use_device(std::uint8_t number, bool host_memory = true) {
    auto device = std::make_unique<PickyDevice>(able(number, host_memory));
    picky_ = device.get();
    use(std::move(device));
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

  std::unique_ptr<daemon::test::RawClient> renderer_;
  std::unique_ptr<daemon::test::RawProducer> stream_;
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
