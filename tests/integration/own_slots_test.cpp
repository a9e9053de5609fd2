// A producer (this process) that brings its own dma-bufs, a broker and consumers beside it. Needs /dev/udmabuf, and for implicit
// fences sw_sync: scripts/vm-test has both.

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "platform/dma_buf_fences.h"
#include "proto/format.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/layers/layers.h"
#include "tests/support/own_slots.h"
#include "tests/support/picture_producer.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::test {
namespace {

class OwnSlotsStream : public StreamTest {
 protected:
  void SetUp() override { need_udmabuf(); }
  ChildProcess consumer(Arguments more) {
    Arguments all{"--name", "cam", "--report-frames"};
    all.insert(all.end(), more.begin(), more.end());
    auto process = start("test_consumer", std::move(all));
    process.wait_report("attached", 60s);  // an emulated machine is slow
    return process;
  }
  /// The frame from which @p viewer sees all.
  static void produce_first(OwnSlotsProducer& producer, ChildProcess& viewer) {
    producer.produce(Engine::kCpu);
    viewer.wait_report("frame", 60s);
  }
  nlohmann::json stream() { return stream_in(session().status(), "cam"); }
};

class OwnSlotsFormat : public OwnSlotsStream, public ::testing::WithParamInterface<proto::FormatInfo> {};

TEST_P(OwnSlotsFormat, ArriveWholeFromProcessorAndGpuInEverySize) {
  const auto format = static_cast<std::uint32_t>(GetParam().format);
  OwnSlotsProducer producer(session(), {.shape = {1, 1, format}}, {});
  auto viewer = consumer({"--mode", "every", "--until-sequence", "17"});
  produce_first(producer, viewer);
  const auto produce_four = [&] {
    for (const Engine engine : {Engine::kCpu, Engine::kGpu, Engine::kGpu, Engine::kCpu}) producer.produce(engine);
  };
  produce_four();
  const OwnLayout others[] = {
      {.shape = {67, 3, format}, .padding_bytes = 64}, {.shape = {641, 361, format}, .count = 4, .offset_bytes = 4096},
      {.shape = {64, 48, format}, .count = 12, .padding_bytes = 512, .offset_bytes = 1024}};
  for (const OwnLayout& layout : others) {
    producer.replace(layout);
    produce_four();
  }
  const auto done = finish_and_check(viewer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 17) << done;
}

INSTANTIATE_TEST_SUITE_P(Formats, OwnSlotsFormat, ::testing::ValuesIn(proto::kRgbFormats),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(OwnSlotsStream, AreSaidToBeTheProducersOwn) {
  OwnSlotsProducer producer(session(), {.count = 5}, {});
  auto viewer = consumer({});
  produce_first(producer, viewer);
  const auto seen = stream();
  EXPECT_EQ(seen["transport"], "dma-buf") << seen;
  EXPECT_EQ(seen["modifier"], "LINEAR") << seen;
  EXPECT_EQ(seen["transport_reason"], "dma-buf, RGBA8 as LINEAR: the slots are the producer's own");
  EXPECT_EQ(seen["generation"]["own"], true) << seen;
  EXPECT_EQ(seen["generation"]["slot_count"], 5) << seen;
  EXPECT_EQ(seen["memory_bytes"], 5 * 64 * 48 * 4);
  const ferry_image_desc image = image_desc({32, 32, FERRY_FORMAT_RGBA8_UNORM});
  EXPECT_EQ(ferry_producer_reconfigure(producer.handle(), &image), FERRY_ERROR_INVALID_STATE);
  stop_and_check(viewer);
}

TEST_F(OwnSlotsStream, AreReusedBesideTwoConsumersAndTheDeathOfOne) {
  OwnSlotsProducer producer(session(), {.shape = {320, 180, FERRY_FORMAT_BGRA8_UNORM}, .count = 8, .padding_bytes = 256}, {});
  auto every = consumer({"--mode", "every", "--until-sequence", "120"});
  auto latest = consumer({"--recheck"});
  auto dies = consumer({"--keep", "--holds", "2"});
  produce_first(producer, every);
  producer.produce(Engine::kGpu);
  producer.produce(Engine::kGpu);
  dies.wait_report("holding", 60s);
  dies.kill_now();
  while (producer.last_sequence() < 120) producer.produce(producer.last_sequence() % 2 == 0 ? Engine::kCpu : Engine::kGpu);
  EXPECT_EQ(finish_and_check(every)["missing"], 0);
  stop_and_check(latest);
}

TEST_F(OwnSlotsStream, AreHandedBackAfterTheBrokersDeath) {
  OwnSlotsProducer producer(session(), {.padding_bytes = 64, .offset_bytes = 4096}, {});
  auto viewer = consumer({"--mode", "every", "--until-sequence", "13"});
  produce_first(producer, viewer);
  const auto before = stream();
  broker_.kill();
  viewer.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"), 60s);
  for (int i = 0; i < 4; ++i) producer.produce(Engine::kCpu);
  broker_.start();
  viewer.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  for (int i = 0; i < 4; ++i) producer.produce(Engine::kGpu);
  const auto after = stream_in(status_when([](const auto& s) { return !stream_in(s, "cam").is_null(); }, 60s), "cam");
  EXPECT_EQ(after["generation"], before["generation"]);
  EXPECT_EQ(after["transport_reason"], before["transport_reason"]);
  producer.replace({.shape = {67, 3, FERRY_FORMAT_RGBA16_FLOAT}, .count = 4});
  for (int i = 0; i < 4; ++i) producer.produce(Engine::kCpu);
  const auto done = finish_and_check(viewer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(stream()["generation"]["own"], true);
}

// ---- what is refused

class BadOwnSlots : public OwnSlotsStream {
 protected:
  /// What creating a stream with @p slots says.
  void expect(std::int32_t code, const std::string& text, const ferry_own_slots& own,
              const ImageShape& shape = {64, 48, FERRY_FORMAT_RGBA8_UNORM}) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "cam";
    info.image = image_desc(shape);
    ferry_producer* producer = nullptr;
    EXPECT_EQ(ferry_producer_create_with_slots(session().connection(), session().device(), &info, &own, &producer), code)
        << ferry_last_error();
    EXPECT_EQ(std::string(ferry_last_error()), text + " for stream 'cam'");
    if (producer != nullptr) ferry_producer_destroy(producer);
  }
};

TEST_F(BadOwnSlots, WithADescriptorThatIsNoDmaBufOfItsSize) {
  OwnSlots slots({.count = 3});
  const auto memory = sealed_memory(64 * 48 * 4);
  slots.described()[1].fd = memory.get();
  expect(FERRY_ERROR_PROTOCOL_VIOLATION, "slot 1: the slot's descriptor is a memfd, not a dma-buf", slots.describe());

  const Udmabuf small(4096);
  OwnSlots said({.count = 3});
  for (ferry_dma_buf& slot : said.described()) slot.size_bytes = 64 * 48 * 4;
  said.described()[2].fd = small.fd().get();
  expect(FERRY_ERROR_PROTOCOL_VIOLATION, "slot 2: the dma-buf has 4096 bytes, it is said to have 12288", said.describe());
  for (ferry_dma_buf& slot : said.described()) slot.size_bytes = 0;
  const std::string plane = " bytes in modifier LINEAR, a plane at byte 0 with row pitch 256";
  expect(FERRY_ERROR_INVALID_ARGUMENT, "slot 2: 4096" + plane + "; slot 0 has 12288" + plane, said.describe());
}

TEST_F(BadOwnSlots, ThatDoNotFitTheImage) {
  OwnSlots slots({.count = 3});
  expect(FERRY_ERROR_INVALID_ARGUMENT, "slot 0: plane 0 of a 64x49 slot ends at byte 12544, the dma-buf has 12288",
         slots.describe(), {64, 49, FERRY_FORMAT_RGBA8_UNORM});
  expect(FERRY_ERROR_INVALID_ARGUMENT, "slot 0: row pitch 256 of plane 0 is less than a row's 260 bytes", slots.describe(),
         {65, 1, FERRY_FORMAT_RGBA8_UNORM});
  OwnSlots twice({.count = 3});
  twice.described()[2].fd = twice.described()[0].fd;
  expect(FERRY_ERROR_INVALID_ARGUMENT, "slot 2: its dma-buf is slot 0's", twice.describe());
}

TEST_F(BadOwnSlots, InAModifierThatTheDeviceLacks) {
  OwnSlots slots({.count = 3});
  for (ferry_dma_buf& slot : slots.described()) slot.modifier = 0x0300000000606010u;
  const std::string device = session().device_info().name;
  expect(FERRY_ERROR_UNSUPPORTED, "slot 0: device '" + device + "' imports no RGBA8 in modifier 0x0300000000606010",
         slots.describe());
}

TEST_F(BadOwnSlots, LeaveAStreamAsItWasWhenTheyWereToReplaceOthers) {
  OwnSlotsProducer producer(session(), {}, {});
  auto viewer = consumer({"--mode", "every", "--until-sequence", "3"});
  produce_first(producer, viewer);
  OwnSlots slots({.count = 3});
  const auto memory = sealed_memory(64 * 48 * 4);
  slots.described()[0].fd = memory.get();
  const ferry_image_desc image = image_desc(slots.layout().shape);
  const ferry_own_slots own = slots.describe();
  EXPECT_EQ(ferry_producer_replace_slots(producer.handle(), &image, &own), FERRY_ERROR_PROTOCOL_VIOLATION) << ferry_last_error();
  producer.produce(Engine::kCpu);
  producer.produce(Engine::kGpu);
  finish_and_check(viewer);
  EXPECT_EQ(stream()["generation"]["id"], 1);
}

TEST_F(BadOwnSlots, WithImplicitFencesThatNoQueueIsLentFor) {
  expect(FERRY_ERROR_UNSUPPORTED, "FERRY_OWN_IMPLICIT_FENCES without a lent queue (ferry_device_lend_queue)",
         OwnSlots({.count = 3}).describe(FERRY_OWN_IMPLICIT_FENCES));
}

// ---- work that is found in the dma-buf

/// The layer lets lavapipe take part in sync mode sync-fd, which is what a lent queue is for.
class ImplicitFences : public OwnSlotsStream, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  void SetUp() override {
    OwnSlotsStream::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    need_sw_sync(work_);
    if (IsSkipped() || HasFatalFailure()) return;
    for (const auto& [name, value] : with_layer("fencing")) {
      ::setenv(name.c_str(), value.c_str(), 1);
      added_.push_back(name);
    }
    lending_ = std::make_unique<Session>(SessionOptions{.socket = broker_.socket(), .lend_queue = true});
  }
  void TearDown() override {
    for (const std::string& name : added_) ::unsetenv(name.c_str());
    lending_.reset();
    OwnSlotsStream::TearDown();
  }

  const SwSync work_ = SwSync::open();
  std::vector<std::string> added_;
  std::unique_ptr<Session> lending_;
};

TEST_P(ImplicitFences, AreWaitedFor) {
  OwnSlotsProducer producer(*lending_, {.padding_bytes = 64}, {.sync_mode = GetParam(), .flags = FERRY_OWN_IMPLICIT_FENCES});
  auto waits = consumer({"--mode", "every", "--until-sequence", "6", "--lend-queue"});
  auto plain = consumer({"--mode", "every", "--until-sequence", "6"});
  EXPECT_EQ(waits.reports().front()["sync_mode"], GetParam() == FERRY_SYNC_FD ? "sync-fd" : "host");
  EXPECT_EQ(plain.reports().front()["sync_mode"], "host");
  producer.produce(Engine::kCpu);  // nothing is under way in its buffer
  for (ChildProcess* viewer : {&waits, &plain}) viewer->wait_report("frame", 60s);

  for (std::uint32_t frame = 2; frame <= 6; ++frame) {
    if (frame == 4) producer.replace({.shape = {67, 3, FERRY_FORMAT_RGBA8_UNORM}, .count = 4});
    const ferry_target target = producer.begin();
    const auto fence = work_.fence_at(frame - 1);
    const auto begun = platform::import_dma_buf_fence(producer.slots().buffer(target.slot).fd(), fence, platform::Access::kWrite);
    ASSERT_TRUE(begun) << begun.error().message;
    const Picture picture = producer.picture();
    producer.publish(target);
    for (ChildProcess* viewer : {&waits, &plain})
      EXPECT_THROW(viewer->wait_report_if("a frame too early", frame_after(frame - 1), 700ms), std::exception);
    producer.slots().draw(target.slot, picture);
    work_.advance(1);
    for (ChildProcess* viewer : {&waits, &plain}) viewer->wait_report_if("the frame", frame_after(frame - 1), 60s);
  }
  for (ChildProcess* viewer : {&waits, &plain}) EXPECT_EQ(finish_and_check(*viewer)["missing"], 0);
}

INSTANTIATE_TEST_SUITE_P(Modes, ImplicitFences, ::testing::Values(FERRY_SYNC_HOST, FERRY_SYNC_FD),
                         [](const auto& parameter) { return parameter.param == FERRY_SYNC_FD ? "SyncFd" : "Host"; });

}  // namespace
}  // namespace ferry::test
