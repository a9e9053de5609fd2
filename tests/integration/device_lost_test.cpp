// Devices that get lost (tests/support/layers/losing_layer.cpp): the broker's, a producer's, a consumer's.

#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

class DeviceLoss : public StreamTest {
 protected:
  /// Switches the layer on for one process; its device is lost at the first such call after lose().
  BrokerProcess::Environment layer() {
    auto environment = with_layer("losing");
    environment.emplace_back("FERRY_LOSE_FILE", trigger());
    return environment;
  }
  std::string trigger() { return broker_.folder().file("lose"); }
  void lose(const char* call = "vkQueueSubmit") { write_file(trigger(), call); }
  bool is_lost() { return read_file(trigger()).empty(); }
};

/// By the call that is the first to say so: those that the specification lets say it and that are made on every device
/// (vkGetSemaphoreCounterValue only where timelines are shared, which no software driver does).
class DeviceLossAt : public DeviceLoss, public ::testing::WithParamInterface<const char*> {
 protected:
  void lose_there() { lose(GetParam()); }
};
class DeviceLossOfTheBroker : public DeviceLossAt {};
class DeviceLossOfAProducer : public DeviceLossAt {};
class DeviceLossOfAConsumer : public DeviceLossAt {};
std::string call_name(const ::testing::TestParamInfo<const char*>& call) { return call.param; }
INSTANTIATE_TEST_SUITE_P(At, DeviceLossOfTheBroker, ::testing::Values("vkQueueSubmit", "vkWaitForFences"), call_name);
INSTANTIATE_TEST_SUITE_P(At, DeviceLossOfAProducer,
                         ::testing::Values("vkQueueSubmit", "vkWaitForFences", "vkWaitSemaphores"), call_name);
INSTANTIATE_TEST_SUITE_P(At, DeviceLossOfAConsumer, ::testing::Values("vkQueueSubmit", "vkWaitForFences"), call_name);

TEST_P(DeviceLossOfTheBroker, BringsTheNextGenerationFromAnotherDevice) {
  EXPECT_EQ(broker_.stop(), "");
  broker_.start("ferryd", layer());
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto other = start_producer({"--name", "other", "--size", "64x64:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  auto of_other = start_consumer({"--name", "other", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  of_other.wait_report_if("10 frames", frame_after(10));
  const std::uint64_t before = stream_in(session().status(), "cam")["generation"]["id"];

  lose_there();
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

TEST_P(DeviceLossOfAProducer, WhichGoesOnWithAnotherDeviceInItsProcess) {
  SpawnOptions options;
  options.environment = layer();
  auto producer = start("test_producer", {"--name", "cam", "--size", "160x90:RGBA8", "--start-anew"}, std::move(options));
  producer.wait_report("created");
  auto viewer = start_consumer({"--name", "cam", "--report-frames", "--reattach", "--attach-timeout-ms", "10000"});
  auto event_loop =
      start_consumer({"--name", "cam", "--report-frames", "--use-fd", "--reattach", "--attach-timeout-ms", "10000"});
  for (ChildProcess* consumer : {&viewer, &event_loop}) consumer->wait_report_if("10 frames", frame_after(10));
  lose_there();
  producer.wait_report("device_lost");
  const std::uint64_t first = producer.wait_report("created")["first"];
  for (ChildProcess* consumer : {&viewer, &event_loop}) {
    expect_right(consumer->wait_report("closed"));  // it was told, and attaches to the next one
    consumer->wait_report_if("30 frames of the next one", frame_after(first + 30));
    stop_and_check(*consumer);
  }
  EXPECT_TRUE(is_lost());
  stop_and_check(producer);
  const auto left = status_when([](const auto& s) { return s["streams"].empty(); });
  EXPECT_TRUE(left["streams"].empty()) << left;
}

TEST_P(DeviceLossOfAConsumer, WhichGoesOnWithAnotherDeviceInItsProcess) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  SpawnOptions options;
  options.environment = layer();
  auto consumer = start("test_consumer", {"--name", "cam", "--report-frames", "--start-anew"}, std::move(options));
  consumer.wait_report_if("10 frames", frame_after(10));
  lose_there();
  consumer.wait_report("device_lost");
  const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
  for (ChildProcess* viewer : {&consumer, &survivor}) {
    viewer->wait_report_if("30 frames more", frame_after(now + 30));
    stop_and_check(*viewer);
  }
  EXPECT_TRUE(is_lost());
  stop_and_check(producer);
  const auto left = status_when([](const auto& s) { return s["broker"]["sessions"] == 1; });
  EXPECT_EQ(left["broker"]["sessions"], 1) << "only the one that asks";
}

}  // namespace
}  // namespace ferry::test
