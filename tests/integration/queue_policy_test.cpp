// What a full queue of a consumer in mode `every` does to the producer, and what is counted.

#include "tests/integration/stream_test.h"

namespace ferry::test {
namespace {

using QueuePolicy = StreamTest;

TEST_F(QueuePolicy, BlockLosesNoFrame) {
  auto producer =
      start_producer({"--name", "rec", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "0", "--paused"});
  auto recorder = start_consumer({"--name", "rec", "--mode", "every", "--report-frames", "--queue-depth", "4",
                                  "--pace-ms", "3", "--until-sequence", "200"});
  auto other = start_consumer(
      {"--name", "rec", "--mode", "every", "--report-frames", "--queue-depth", "2", "--until-sequence", "200"});
  publish_first_frame(producer, {&recorder, &other});
  producer.send_command("produce 199");
  for (ChildProcess* consumer : {&recorder, &other}) {
    const auto done = finish_and_check(*consumer);
    EXPECT_EQ(done["frames"], 200) << done;
    EXPECT_EQ(done["missing"], 0) << done;
  }
  stop_and_check(producer);
}

TEST_F(QueuePolicy, DropCountsExactlyWhatIsMissing) {
  auto producer = start_producer({"--name", "rec", "--size", "160x90:RGBA8", "--rate", "0", "--paused"});
  auto recorder = start_consumer({"--name", "rec", "--mode", "every", "--report-frames", "--queue-depth", "4",
                                  "--pace-ms", "10", "--until-sequence", "300"});
  publish_first_frame(producer, {&recorder});
  producer.send_command("produce 299");
  const auto done = finish_and_check(recorder);
  EXPECT_EQ(done["last"], 300) << done;
  EXPECT_GT(done["missing"], 0) << "10 ms a frame against full speed: " << done;
  EXPECT_EQ(done["frames"].get<int>() + done["skipped"].get<int>(), 300) << done;
  stop_and_check(producer);
}

TEST_F(QueuePolicy, ABlockedProducerGoesOnWhenTheSlowConsumerIsKilled) {
  auto producer = start_producer({"--name", "rec", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "100"});
  auto stuck = start_consumer(
      {"--name", "rec", "--mode", "every", "--report-frames", "--queue-depth", "2", "--keep", "--holds", "1"});
  auto viewer = start_consumer({"--name", "rec"});
  stuck.wait_report("holding");
  stuck.kill_now();
  const auto status = status_when([](const auto& s) { return stream_in(s, "rec")["consumers"].size() == 1; });
  EXPECT_EQ(stream_in(status, "rec")["consumers"].size(), 1u);
  const std::uint64_t before = stream_in(status, "rec")["frames"];
  const auto later = status_when([&](const auto& s) { return stream_in(s, "rec")["frames"] > before + 50; });
  EXPECT_GT(stream_in(later, "rec")["frames"], before + 50) << "the producer still waits for a dead consumer";
  stop_and_check(viewer);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
