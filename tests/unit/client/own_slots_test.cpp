// A producer's own slots on their way through libferry: what is looked at before the broker is asked.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "client/src/api_handles.h"
#include "tests/support/fake_broker.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/client/picky_device.h"
#include "tests/unit/daemon/test_broker.h"

namespace ferry::client {
namespace {

using platform::UniqueFd;

constexpr std::uint32_t kSide = 64;
constexpr std::uint64_t kSlotBytes = std::uint64_t{kSide} * kSide * 4;

ferry_image_desc image(std::uint32_t height_px = kSide) {
  ferry_image_desc desc = FERRY_IMAGE_DESC_INIT;
  desc.width_px = kSide;
  desc.height_px = height_px;
  desc.format = FERRY_FORMAT_RGBA8_UNORM;
  return desc;
}

/// Of memfds: neither this device nor this broker knows the difference.
struct Slots {
  explicit Slots(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      fds.emplace_back(memfd_create("own-slot", MFD_CLOEXEC));
      EXPECT_EQ(ftruncate(fds.back().get(), kSlotBytes), 0);
      ferry_dma_buf slot = FERRY_DMA_BUF_INIT;
      slot.fd = fds.back().get();
      slot.modifier = kTiled;
      slot.plane_count = 1;
      slot.planes[0] = {0, kSide * 4};
      described.push_back(slot);
    }
    own.count = count;
    own.slots = described.data();
  }
  std::vector<UniqueFd> fds;
  std::vector<ferry_dma_buf> described;
  ferry_own_slots own = FERRY_OWN_SLOTS_INIT;
};

class OwnSlotsApi : public ::testing::Test {
 protected:
  void SetUp() override {
    gpu_ = std::make_shared<daemon::test::FakeGpu>(std::uint8_t{1}, false);
    gpu_->add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
    broker_ = std::make_unique<daemon::test::TestBroker>(daemon::GpuPool::of({gpu_}));
    connect_to(broker_->socket());
    auto device = std::make_unique<PickyDevice>(able(1, true));
    picky_ = device.get();
    auto binding = std::make_shared<DeviceBinding>(std::move(device));
    ASSERT_EQ(give_out(handles().devices, std::make_unique<DeviceHandle>(std::move(binding)), &device_), FERRY_OK);
  }
  void TearDown() override {
    if (producer_ != nullptr) {
      EXPECT_EQ(ferry_producer_destroy(producer_), FERRY_OK) << ferry_last_error();
    }
    EXPECT_EQ(ferry_device_destroy(device_), FERRY_OK) << ferry_last_error();
    EXPECT_EQ(ferry_disconnect(connection_), FERRY_OK) << ferry_last_error();
  }
  void connect_to(const std::string& socket) {
    ferry_connect_info connect = FERRY_CONNECT_INFO_INIT;
    connect.socket_path = socket.c_str();
    ASSERT_EQ(ferry_connect(&connect, &connection_), FERRY_OK) << ferry_last_error();
  }
  std::int32_t create(const ferry_own_slots& own, const std::function<void(ferry_stream_info&)>& change = {}) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "cam";
    info.image = image();
    if (change) change(info);
    return ferry_producer_create_with_slots(connection_, device_, &info, &own, &producer_);
  }
  /// Of slots that @p spoil has changed.
  void expect_refused(std::int32_t code, const std::string& text, const std::function<void(Slots&)>& spoil,
                      const std::function<void(ferry_stream_info&)>& change = {}) {
    Slots slots(4);
    if (spoil) spoil(slots);
    EXPECT_EQ(create(slots.own, change), code) << ferry_last_error();
    EXPECT_EQ(ferry_last_error(), text + " for stream 'cam'");
  }

  std::shared_ptr<daemon::test::FakeGpu> gpu_;
  std::unique_ptr<daemon::test::TestBroker> broker_;
  ferry_connection* connection_ = nullptr;
  ferry_device* device_ = nullptr;
  ferry_producer* producer_ = nullptr;
  PickyDevice* picky_ = nullptr;
};

TEST_F(OwnSlotsApi, AreDrawnIntoByTheirNumbersAndReplacedByOthers) {
  {
    const Slots slots(5);
    ASSERT_EQ(create(slots.own), FERRY_OK) << ferry_last_error();
  }  // they may be closed
  ferry_stream_state state{};
  state.struct_size = FERRY_STREAM_STATE_SIZE;
  ASSERT_EQ(ferry_producer_get_state(producer_, &state), FERRY_OK);
  EXPECT_EQ(state.slot_count, 5u);
  EXPECT_STREQ(state.transport, "dma-buf");
  EXPECT_STREQ(state.transport_reason, "dma-buf, RGBA8 as 0x0300000000606010: the slots are the producer's own");
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  ASSERT_EQ(ferry_producer_begin(producer_, 0, &target), FERRY_OK);
  EXPECT_LT(target.slot, 5u);
  EXPECT_EQ(ferry_producer_cancel(producer_, target.id), FERRY_OK);

  const ferry_image_desc smaller = image(32);
  EXPECT_EQ(ferry_producer_reconfigure(producer_, &smaller), FERRY_ERROR_INVALID_STATE);
  EXPECT_NE(std::string(ferry_last_error()).find("its producer's own"), std::string::npos) << ferry_last_error();
  const Slots others(3);
  ASSERT_EQ(ferry_producer_replace_slots(producer_, &smaller, &others.own), FERRY_OK) << ferry_last_error();
  ASSERT_EQ(ferry_producer_begin(producer_, 0, &target), FERRY_OK);
  EXPECT_EQ(target.generation, 2u);
  EXPECT_EQ(target.height_px, 32u);
  EXPECT_EQ(ferry_producer_cancel(producer_, target.id), FERRY_OK);
}

TEST_F(OwnSlotsApi, AreNotForAStreamWithSlotsOfTheBrokers) {
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = "cam";
  info.image = image();
  ASSERT_EQ(ferry_producer_create(connection_, device_, &info, &producer_), FERRY_OK) << ferry_last_error();
  const Slots slots(3);
  const ferry_image_desc same = image();
  EXPECT_EQ(ferry_producer_replace_slots(producer_, &same, &slots.own), FERRY_ERROR_INVALID_STATE);
  EXPECT_NE(std::string(ferry_last_error()).find("the broker's"), std::string::npos) << ferry_last_error();
  EXPECT_EQ(ferry_producer_replace_slots(producer_, &same, nullptr), FERRY_ERROR_INVALID_ARGUMENT);
}

TEST_F(OwnSlotsApi, AreChecked) {
  constexpr auto kInvalid = FERRY_ERROR_INVALID_ARGUMENT, kUnsupported = FERRY_ERROR_UNSUPPORTED;
  expect_refused(kInvalid, "ferry_own_slots.count 2 is outside 3 to 64", [](Slots& s) { s.own.count = 2; });
  expect_refused(kInvalid, "ferry_own_slots.count 65 is outside 3 to 64", [](Slots& s) { s.own.count = 65; });
  expect_refused(kInvalid, "ferry_own_slots.slots is NULL", [](Slots& s) { s.own.slots = nullptr; });
  expect_refused(kInvalid, "ferry_own_slots.flags 0x2 have bits outside 0x1", [](Slots& s) { s.own.flags = 2; });
  expect_refused(kUnsupported, "a reserved field of ferry_own_slots is set: this library does not know it",
                 [](Slots& s) { s.own.reserved = 1; });
  expect_refused(kInvalid, "ferry_own_slots.struct_size 0 is below 24: set it to sizeof(ferry_own_slots)",
                 [](Slots& s) { s.own.struct_size = 0; });
  expect_refused(kInvalid, "slot 1: ferry_dma_buf.struct_size 0 is below 96: set it to sizeof(ferry_dma_buf)",
                 [](Slots& s) { s.described[1].struct_size = 0; });
  expect_refused(kInvalid, "slot 3: fd -1 is none", [](Slots& s) { s.described[3].fd = -1; });
  expect_refused(kInvalid, "slot 0: fd 1048576: Bad file descriptor", [](Slots& s) { s.described[0].fd = 1 << 20; });
  expect_refused(kInvalid, "slot 0: plane_count 5 is outside 1 to 4", [](Slots& s) { s.described[0].plane_count = 5; });
  expect_refused(kUnsupported, "slot 2: a reserved field is set: this library does not know it",
                 [](Slots& s) { s.described[2].reserved = 1; });
  const std::string usual = "16384 bytes in modifier 0x0300000000606010, a plane at byte 0 with row pitch 256";
  expect_refused(kInvalid, "slot 1: 16384 bytes in modifier LINEAR, a plane at byte 0 with row pitch 256; slot 0 has " + usual,
                 [](Slots& s) { s.described[1].modifier = 0; });
  expect_refused(kInvalid, "slot 2: 16384 bytes in modifier 0x0300000000606010, a plane at byte 0 with row pitch 512; slot 0 has " + usual,
                 [](Slots& s) { s.described[2].planes[0].row_pitch_bytes = 512; });
  expect_refused(kInvalid, "slot 3: 8192 bytes in modifier 0x0300000000606010, a plane at byte 0 with row pitch 256; slot 0 has " + usual,
                 [](Slots& s) { s.described[3].size_bytes = 8192; });
  expect_refused(kInvalid, "slot 2: its dma-buf is slot 1's", [](Slots& s) { s.described[2].fd = s.described[1].fd; });
  expect_refused(kInvalid, "slot 0: plane 0 of a 64x64 slot ends at byte 16385, the dma-buf has 16384",
                 [](Slots& s) { for (auto& slot : s.described) slot.planes[0].offset_bytes = kSlotBytes; });
  expect_refused(kUnsupported, "FERRY_OWN_IMPLICIT_FENCES without a lent queue (ferry_device_lend_queue)",
                 [](Slots& s) { s.own.flags = FERRY_OWN_IMPLICIT_FENCES; });
  expect_refused(kInvalid, "transport 3: slots of its own cross as dma-bufs only,", {},
                 [](ferry_stream_info& info) { info.transport = FERRY_TRANSPORT_HOST_MEMORY; });
  expect_refused(kInvalid, "min_slots 5 exceeds the 4 slots that are brought", {},
                 [](ferry_stream_info& info) { info.min_slots = 5; });
  EXPECT_EQ(ferry_producer_create_with_slots(connection_, device_, nullptr, nullptr, &producer_), kInvalid);
}

TEST_F(OwnSlotsApi, MayBeDescribedByALaterVersion) {
  struct Grown {
    ferry_dma_buf known;
    std::uint64_t added_later;
  };
  const Slots slots(3);
  std::vector<Grown> grown;
  for (const ferry_dma_buf& slot : slots.described) grown.push_back({slot, 0});
  for (Grown& slot : grown) slot.known.struct_size = sizeof slot;
  ferry_own_slots own = slots.own;
  own.slots = &grown.front().known;
  EXPECT_EQ(create(own), FERRY_OK) << ferry_last_error();
}

TEST_F(OwnSlotsApi, ThatTheDeviceCannotImportAreNoBrokersBusiness) {
  picky_->refuse({kTiled});
  expect_refused(FERRY_ERROR_UNSUPPORTED, "slot 0: the driver says no", {});
  broker_->on_loop([&] { EXPECT_TRUE(broker_->broker().books().streams == 0); });
}

TEST_F(OwnSlotsApi, NeedABrokerThatTakesThem) {
  ASSERT_EQ(ferry_disconnect(connection_), FERRY_OK);
  const ferry::test::TempDir folder;
  const ferry::test::FakeBroker older(folder.file("s"), [](const proto::Envelope&) {
    wire::HelloReplyT reply;
    reply.protocol = reply.protocol_min = reply.protocol_max = proto::kProtocolVersionMax;
    reply.broker_version = "0.0.9";
    wire::BodyUnion body;
    body.Set(std::move(reply));
    return body;
  });
  connect_to(folder.file("s"));
  expect_refused(FERRY_ERROR_UNSUPPORTED, "broker 0.0.9 takes no slots of a producer's own", {});
}

}  // namespace
}  // namespace ferry::client
