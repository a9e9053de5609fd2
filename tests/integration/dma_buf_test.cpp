// Transport dma-buf, by demand: both processes use the very same memory, and say in which modifier. Where no driver exports
// dma-bufs (scripts/vm-test has one that does) it is told who cannot and why.

#include "proto/format.h"
#include "tests/integration/stream_test.h"
#include "tests/support/dma_buf_needed.h"

namespace ferry::test {
namespace {

class DmaBufStream : public StreamTest {
 protected:
  void SetUp() override { need_dma_bufs(session().status()); }
};

TEST_F(DmaBufStream, SaysInWhichModifier) {
  auto producer = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--transport", "dma-buf", "--paused"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  publish_first_frame(producer, {&consumer});
  const auto stream = stream_in(session().status(), "cam");
  EXPECT_EQ(stream["transport"], "dma-buf") << stream;
  EXPECT_EQ(stream["modifier"], "LINEAR") << stream;
  EXPECT_EQ(stream["transport_reason"], "dma-buf, RGBA8 as LINEAR: the producer asked for dma-buf alone");
  EXPECT_EQ(stream["sync_mode"], "host");
  EXPECT_EQ(stream["sync_reason"], "host: transport dma-buf has no timelines in common");
  stop_and_check(consumer);
  stop_and_check(producer);
}

class DmaBufFormat : public DmaBufStream, public ::testing::WithParamInterface<proto::FormatInfo> {};

TEST_P(DmaBufFormat, CarriesEverySizeWhole) {
  const std::string format = ":" + std::string(GetParam().name);
  auto producer = start_producer({"--name", "cam", "--size", "1x1" + format, "--policy", "block", "--rate", "0",
                                  "--transport", "dma-buf", "--paused", "--resize", "4=67x3" + format, "--resize",
                                  "8=641x361" + format, "--resize", "12=1x1" + format});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "16"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 15");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 16) << done;
  stop_and_check(producer);
}

INSTANTIATE_TEST_SUITE_P(Formats, DmaBufFormat, ::testing::ValuesIn(proto::kRgbFormats),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(DmaBufStream, ChangesItsFormatOnTheWay) {
  auto producer = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--policy", "block", "--rate", "0",
                                  "--transport", "dma-buf", "--paused", "--resize", "3=67x3:RGBA16F", "--resize",
                                  "5=64x48:BGRA8_SRGB"});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "8"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 7");
  EXPECT_EQ(finish_and_check(consumer)["frames"], 8);
  EXPECT_EQ(stream_in(session().status(), "cam")["transport"], "dma-buf");
  stop_and_check(producer);
}

TEST_F(DmaBufStream, SurvivesTheDeathOfAConsumerAndOfTheProducer) {
  auto producer = start_producer({"--name", "cam", "--size", "64x48:RGBA8", "--transport", "dma-buf", "--min-slots",
                                  "16"});
  auto stays = start_consumer({"--name", "cam", "--report-frames"});
  auto dies = start_consumer({"--name", "cam", "--keep", "--holds", "2"});
  dies.wait_report("holding", 60s);
  dies.kill_now();
  const auto before = stays.wait_report("frame", 60s)["sequence"].get<std::uint64_t>();
  stays.wait_report_if("frames after the death",
                       [&](const auto& report) { return report.value("sequence", std::uint64_t{0}) > before + 10; }, 60s);
  producer.kill_now();
  stays.wait_report_if("the orphan's event", [](const auto& report) { return report.value("type", "") == "ORPHANED"; },
                       60s);
  auto next = start_producer({"--name", "cam", "--size", "64x48:RGBA8", "--transport", "dma-buf", "--min-slots", "16"});
  stays.wait_report_if("the next producer's frame", [](const auto& report) { return report["report"] == "frame"; }, 60s);
  stop_and_check(stays);
  stop_and_check(next);
}

TEST_F(DmaBufStream, IsHandedBackAfterTheBrokersDeath) {
  auto producer = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--policy", "block", "--rate", "0",
                                  "--transport", "dma-buf", "--paused"});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "12"});
  publish_first_frame(producer, {&consumer});
  const auto before = stream_in(session().status(), "cam");
  broker_.kill();
  consumer.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"), 60s);
  producer.send_command("produce 5");
  broker_.start();
  consumer.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  producer.send_command("produce 6");
  EXPECT_EQ(finish_and_check(consumer)["frames"], 12);
  const auto stream = stream_in(status_when([](const auto& s) { return !stream_in(s, "cam").is_null(); }, 60s), "cam");
  EXPECT_EQ(stream["transport"], "dma-buf") << stream;
  EXPECT_EQ(stream["modifier"], "LINEAR") << stream;
  EXPECT_EQ(stream["generation"]["id"], before["generation"]["id"]);
  stop_and_check(producer);
}

using NoDmaBuf = StreamTest;

TEST_F(NoDmaBuf, IsToldWithTheReason) {
  std::string reason;
  const auto status = session().status();
  for (const auto& device : status["broker"]["devices"])
    for (const auto& lack : device["lacks"])
      if (lack["transport"] == "dma-buf") reason = lack["reason"];
  if (reason.empty()) GTEST_SKIP() << "every device of this machine shares dma-bufs";
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = "cam";
  info.image.width_px = 64;
  info.image.height_px = 48;
  info.image.format = FERRY_FORMAT_RGBA8_UNORM;
  info.transport = FERRY_TRANSPORT_DMA_BUF;
  ferry_producer* producer = nullptr;
  ASSERT_EQ(ferry_producer_create(session().connection(), session().device(), &info, &producer),
            FERRY_ERROR_INCOMPATIBLE);
  const std::string text = ferry_last_error();
  EXPECT_NE(text.find("cannot import by dma-buf: " + reason), std::string::npos) << text;
}

}  // namespace
}  // namespace ferry::test
