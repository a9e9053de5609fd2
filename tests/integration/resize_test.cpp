// A stream that changes size and format while it runs: no frame lost, no pixel wrong, nobody re-attaches.

#include <unistd.h>

#include <ostream>
#include <thread>

#include "proto/format.h"
#include "tests/integration/stream_test.h"
#include "tests/support/broker_usage.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_consumer.h"

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

INSTANTIATE_TEST_SUITE_P(Formats, Resize, ::testing::ValuesIn(proto::kRgbFormats),
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

// ---- a consumer that does not look -----------------------------------------------------------------

class Dragged : public StreamTest {
 protected:
  static constexpr int kResizes = 200;
  static constexpr std::uint32_t kSlots = 8;
  /// What a client has open for a generation: what it keeps for the next broker, and what the driver may.
  static constexpr std::size_t kPerGeneration = 2 * (kSlots + 1);

  static std::string size(int resize) { return std::to_string(64 + resize) + "x" + std::to_string(300 - resize); }

  /// A stream with one frame, which @p arguments resize later.
  ChildProcess start_stream(Arguments arguments) {
    arguments.insert(arguments.end(), {"--name", "cam", "--size", "64x64:RGBA8", "--paused", "--rate", "0", "--min-slots",
                                       std::to_string(kSlots)});
    auto producer = start_producer(std::move(arguments));
    producer.send_command("produce 1");
    producer.wait_report_if("a frame", [](const auto& report) { return report["frames"] == 1; });
    return producer;
  }

  std::unique_ptr<PictureConsumer> attach(std::uint32_t mode) {
    ConsumerOptions options;
    options.name = "cam";
    options.mode = mode;
    return std::make_unique<PictureConsumer>(session().connection(), session().device(), session().gpu(), options);
  }

  static void wait_for_size(const PictureConsumer& consumer, int resize) {
    const Deadline deadline(60s);
    const auto has_size = [&] {
      const ferry_stream_state state = consumer.state();
      return std::to_string(state.width_px) + "x" + std::to_string(state.height_px) == size(resize);
    };
    while (!has_size() && !deadline.passed()) std::this_thread::sleep_for(5ms);
    ASSERT_TRUE(has_size()) << "the last resize has not come";
  }

  static void expect_newest(PictureConsumer& consumer, std::uint64_t sequence) {
    const Deadline deadline(20s);
    while (consumer.books().last != sequence && !deadline.passed()) {
      ASSERT_EQ(consumer.take(deadline.left().count()), FERRY_OK) << ferry_last_error();
      consumer.release_all();
    }
    EXPECT_EQ(consumer.books().last, sequence);
    EXPECT_TRUE(consumer.books().all_right()) << consumer.books().first_wrong;
  }
};

TEST_F(Dragged, AConsumerThatDoesNotLookKeepsTheGenerationsThatItMayStillShow) {
  Arguments resizes;
  for (int i = 1; i <= kResizes; ++i) resizes.insert(resizes.end(), {"--resize", std::to_string(i) + "=" + size(i)});
  auto producer = start_stream(std::move(resizes));
  const auto consumer = attach(FERRY_CONSUMER_LATEST);
  ASSERT_EQ(consumer->take(20'000'000'000), FERRY_OK);
  consumer->release_all();
  const auto before = usage_of(getpid()).descriptors;

  producer.send_command("produce " + std::to_string(kResizes));
  producer.wait_report_if("a frame of each size", [](const auto& report) { return report["frames"] == 1 + kResizes; }, 60s);
  wait_for_size(*consumer, kResizes);
  // That of the newest frame, the one that is to come, and the one that was there before.
  EXPECT_LE(usage_of(getpid()).descriptors, before + 2 * kPerGeneration);
  expect_newest(*consumer, 1 + kResizes);
  EXPECT_EQ(consumer->books().shape.width_px, 64u + kResizes);
  stop_and_check(producer);
}

TEST_F(Dragged, TheFrameOnShowSurvivesResizesThatDrawNothing) {
  for (const std::uint32_t mode : {FERRY_CONSUMER_LATEST, FERRY_CONSUMER_EVERY}) {
    auto producer = start_stream({});
    const auto consumer = attach(mode);
    const auto before = usage_of(getpid()).descriptors, producers_before = usage_of(producer.pid()).descriptors;

    for (int i = 1; i <= kResizes; ++i) producer.send_command("resize " + size(i));
    wait_for_size(*consumer, kResizes);
    EXPECT_LE(usage_of(getpid()).descriptors, before + 8 * kPerGeneration);
    EXPECT_LE(usage_of(producer.pid()).descriptors, producers_before + 2 * kPerGeneration);
    expect_newest(*consumer, 1);
    EXPECT_EQ(consumer->books().shape.width_px, 64u) << "drawn before the first resize";
    producer.send_command("produce 1");
    expect_newest(*consumer, 2);
    EXPECT_EQ(consumer->books().shape.width_px, 64u + kResizes);
    stop_and_check(producer);
  }
}

}  // namespace
}  // namespace ferry::test
