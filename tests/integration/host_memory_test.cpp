// Transport host-memory on one device, by demand: the same contract, the same pixels, and it says that it copies.

#include "proto/format.h"
#include "tests/integration/stream_test.h"

namespace ferry::test {
namespace {

using HostMemoryStream = StreamTest;

TEST_F(HostMemoryStream, SaysThatItCopies) {
  auto producer = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--transport", "host-memory", "--paused"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  publish_first_frame(producer, {&consumer});
  const auto stream = stream_in(session().status(), "cam");
  EXPECT_EQ(stream["transport"], "host-memory") << stream;
  EXPECT_EQ(stream["transport_reason"],
            "host-memory, a GPU copy at both ends: the producer asked for host-memory alone");
  EXPECT_EQ(stream["sync_mode"], "host");
  // Of hardware it says of fences, too, why not.
  EXPECT_TRUE(std::string(stream["sync_reason"]).starts_with("host: transport host-memory has no timelines in common")) << stream;
  stop_and_check(consumer);
  stop_and_check(producer);
}

class HostMemoryFormat : public StreamTest, public ::testing::WithParamInterface<proto::FormatInfo> {};

TEST_P(HostMemoryFormat, CarriesEverySizeWhole) {
  const std::string format = ":" + std::string(GetParam().name);
  auto producer = start_producer({"--name", "cam", "--size", "1x1" + format, "--policy", "block", "--rate", "0",
                                  "--transport", "host-memory", "--paused", "--resize", "4=67x3" + format, "--resize",
                                  "8=641x361" + format, "--resize", "12=1x1" + format});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "16"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 15");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 16) << done;
  stop_and_check(producer);
}

INSTANTIATE_TEST_SUITE_P(Formats, HostMemoryFormat, ::testing::ValuesIn(proto::kRgbFormats),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

TEST_F(HostMemoryStream, SurvivesTheDeathOfAConsumerAndOfTheProducer) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--transport", "host-memory",
                                  "--min-slots", "16"});
  auto stays = start_consumer({"--name", "cam", "--report-frames"});
  auto dies = start_consumer({"--name", "cam", "--keep", "--holds", "2"});
  dies.wait_report("holding");
  dies.kill_now();
  const auto before = stays.wait_report("frame")["sequence"].get<std::uint64_t>();
  stays.wait_report_if("frames after the death",
                       [&](const auto& report) { return report.value("sequence", std::uint64_t{0}) > before + 30; });
  producer.kill_now();
  stays.wait_report_if("the orphan's event", [](const auto& report) { return report.value("type", "") == "ORPHANED"; });
  auto next = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--transport", "host-memory", "--min-slots",
                              "16"});
  stays.wait_report_if("the next producer's frame", [](const auto& report) { return report["report"] == "frame"; });
  stop_and_check(stays);
  stop_and_check(next);
}

TEST_F(HostMemoryStream, AViewerThatHoldsEverythingStopsNobody) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--transport", "host-memory",
                                  "--min-slots", "16"});  // the pool need not grow, so nobody skips a frame unseen
  auto holds = start_consumer({"--name", "cam", "--keep", "--holds", "4"});
  auto runs = start_consumer({"--name", "cam", "--frames", "60"});
  holds.wait_report("holding");
  EXPECT_EQ(finish_and_check(runs)["frames"], 60);
  stop_and_check(holds);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
