// A stream that changes size and format while it runs: no frame lost, no pixel wrong, nobody re-attaches.

#include <ostream>

#include "proto/format.h"
#include "tests/integration/stream_test.h"

namespace ferry::proto {

/// For GTest, which would print the bytes.
static void PrintTo(const FormatInfo& info, std::ostream* out) { *out << info.name; }

}  // namespace ferry::proto

namespace ferry::test {
namespace {

class Resize : public StreamTest, public ::testing::WithParamInterface<proto::FormatInfo> {};

TEST_P(Resize, EverySizeInThisFormat) {
  const std::string format = ":" + std::string(GetParam().name);
  // Blocking, and a consumer that wants all: so every frame of every generation is compared.
  auto producer = start_producer({"--name", "cam", "--size", "1x1" + format, "--policy", "block", "--rate", "0",
                                  "--paused", "--resize", "4=67x3" + format, "--resize", "8=640x360" + format,
                                  "--resize", "12=1920x1080" + format, "--resize", "16=1x1" + format});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "20"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 19");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 20) << done;
  EXPECT_GE(done["generations"], 5) << "one more where the pool grew for this consumer: " << done;
  EXPECT_EQ(done["format"], static_cast<int>(GetParam().format));
  stop_and_check(producer);
}

INSTANTIATE_TEST_SUITE_P(Formats, Resize, ::testing::ValuesIn(proto::kFormats),
                         [](const auto& parameter) { return std::string(parameter.param.name); });

using Reformat = StreamTest;

TEST_F(Reformat, ThroughAllSixFormats) {
  auto producer = start_producer({"--name", "cam", "--size", "67x3:RGBA8", "--policy", "block", "--rate", "0",
                                  "--paused", "--resize", "3=67x3:RGBA8_SRGB", "--resize", "6=67x3:BGRA8", "--resize",
                                  "9=67x3:BGRA8_SRGB", "--resize", "12=67x3:RGB10A2", "--resize", "15=67x3:RGBA16F"});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "18"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 17");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 18) << done;
  EXPECT_GE(done["generations"], 6) << done;
  stop_and_check(producer);
}

TEST_F(Reformat, AWindowThatIsDraggedResizesAtEveryFrame) {
  std::vector<std::string> arguments{"--name", "cam", "--size", "64x64:RGBA8", "--rate", "30"};
  for (int i = 1; i <= 60; ++i)
    arguments.insert(arguments.end(), {"--resize", std::to_string(i * 2) + "=" + std::to_string(64 + i) + "x" +
                                                       std::to_string(64 + i * 3)});
  auto producer = start_producer(std::move(arguments));
  auto slow = start_consumer({"--name", "cam", "--until-sequence", "130", "--pace-ms", "120", "--holds", "2"});
  auto fast = start_consumer({"--name", "cam", "--until-sequence", "130"});
  EXPECT_GE(finish_and_check(fast)["last"], 130);
  EXPECT_GE(finish_and_check(slow)["last"], 130);
  stop_and_check(producer);
}

TEST_F(Reformat, TheLastFrameStaysOnShowUntilTheNewSizeHasOne) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--paused"});
  producer.send_command("produce 3");
  producer.wait_report_if("three frames", [](const auto& report) { return report["frames"] == 3; });
  producer.send_command("resize 640x360:RGBA16F");
  auto consumer = start_consumer({"--name", "cam", "--report-frames", "--until-sequence", "4"});
  consumer.wait_report_if("frame 3", [](const auto& report) { return report.value("sequence", 0) == 3; });
  producer.send_command("produce 1");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["last"], 4);
  EXPECT_EQ(done["width"], 640);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
