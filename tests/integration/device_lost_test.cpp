// Devices that get lost (tests/support/layers/losing_layer.cpp): the broker's, a producer's, a consumer's.

#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

class DeviceLoss : public StreamTest {
 protected:
  /// Switches the layer on for one process; its device is lost at the first submission after lose().
  BrokerProcess::Environment layer() {
    auto environment = with_layer("losing");
    environment.emplace_back("FERRY_LOSE_FILE", trigger());
    return environment;
  }
  std::string trigger() { return broker_.folder().file("lose"); }
  void lose() { write_file(trigger(), "now"); }
  bool is_lost() { return read_file(trigger()).empty(); }
};

TEST_F(DeviceLoss, OfTheBrokerBringsTheNextGenerationFromAnotherDevice) {
  EXPECT_EQ(broker_.stop(), "");
  broker_.start("ferryd", layer());
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto other = start_producer({"--name", "other", "--size", "64x64:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  auto of_other = start_consumer({"--name", "other", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  of_other.wait_report_if("10 frames", frame_after(10));
  const std::uint64_t before = stream_in(session().status(), "cam")["generation"]["id"];

  lose();
  producer.send_command("resize 320x180");  // the broker clears what it allocates
  const auto event = consumer.wait_report_if("a generation after the loss", [&](const auto& report) {
    return event_is("GENERATION")(report) && report["reason"] == "device lost";
  });
  EXPECT_GT(event["generation"], before);
  // Everybody who has textures of that device is told, not only who asked for something.
  of_other.wait_report_if("a generation after the loss", [](const auto& report) {
    return event_is("GENERATION")(report) && report["reason"] == "device lost";
  });
  EXPECT_TRUE(is_lost());
  for (const char* name : {"cam", "other"}) EXPECT_EQ(stream_in(session().status(), name)["state"], "live");
  const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
  const std::uint64_t of_other_now = stream_in(session().status(), "other")["frames"];
  consumer.wait_report_if("30 frames more", frame_after(now + 30));
  of_other.wait_report_if("30 frames more", frame_after(of_other_now + 30));
  auto late = start_consumer({"--name", "cam", "--frames", "5"});
  EXPECT_EQ(finish_and_check(late)["width"], 320);
  EXPECT_EQ(stop_and_check(consumer)["width"], 320);
  stop_and_check(of_other);
  stop_and_check(producer);
  stop_and_check(other);
}

TEST_F(DeviceLoss, OfAProducerIsAnErrorWithAWayOut) {
  SpawnOptions options;
  options.environment = layer();
  auto producer = start("test_producer", {"--name", "cam", "--size", "160x90:RGBA8"}, std::move(options));
  producer.wait_report("created");
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  lose();
  producer.wait_report("failed");  // its own vkQueueSubmit says so
  producer.wait_exit();
  // Told one way or the other: its process ends here, and with it the stream or its producer.
  consumer.wait_report_if("ORPHANED or CLOSED",
                          [](const auto& report) { return event_is("ORPHANED")(report) || event_is("CLOSED")(report); });
  auto next = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto again = start_consumer({"--name", "cam", "--frames", "10"});
  finish_and_check(again);
  consumer.send_command("stop");
  expect_right(consumer.wait_report("done"));
  stop_and_check(next);
}

TEST_F(DeviceLoss, OfAConsumerIsItsOwn) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  SpawnOptions options;
  options.environment = layer();
  auto consumer = start("test_consumer", {"--name", "cam", "--report-frames"}, std::move(options));
  consumer.wait_report_if("10 frames", frame_after(10));
  lose();
  consumer.wait_report("failed");
  consumer.wait_exit();
  const auto status = status_when([](const auto& s) { return stream_in(s, "cam")["consumers"].size() == 1; });
  EXPECT_EQ(stream_in(status, "cam")["consumers"].size(), 1u);
  survivor.wait_report_if("30 frames more", frame_after(stream_in(status, "cam")["frames"].get<std::uint64_t>() + 30));
  auto again = start_consumer({"--name", "cam", "--frames", "10"});
  finish_and_check(again);
  stop_and_check(survivor);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
