// One producer, one or many consumers, both modes, different speeds: every pixel of every frame is right.

#include "tests/integration/stream_test.h"

namespace ferry::test {
namespace {

using Consumers = StreamTest;

TEST_F(Consumers, OneSeesEveryPictureRight) {
  auto producer = start_producer({"--name", "cam"});
  auto consumer = start_consumer({"--name", "cam", "--frames", "60"});
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["frames"], 60);
  EXPECT_EQ(done["ended"], "goal");
  stop_and_check(producer);
}

TEST_F(Consumers, OneSeesAFullHdStreamRight) {
  auto producer = start_producer({"--name", "cam", "--size", "1920x1080:BGRA8", "--rate", "15"});
  auto consumer = start_consumer({"--name", "cam", "--frames", "20"});
  EXPECT_EQ(finish_and_check(consumer)["frames"], 20);
  stop_and_check(producer);
}

void run_eight(StreamTest&, std::vector<ChildProcess>& consumers, int frames) {
  for (auto& consumer : consumers) {
    const auto done = finish_and_check(consumer, 90s);
    EXPECT_EQ(done["ended"], "goal") << done;
    EXPECT_GE(done["frames"], frames) << done;
  }
}

TEST_F(Consumers, EightInModeLatest) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "30"});
  std::vector<ChildProcess> consumers;
  for (int i = 0; i < 8; ++i) consumers.push_back(start_consumer({"--name", "cam", "--frames", "40"}));
  run_eight(*this, consumers, 40);
  stop_and_check(producer);
}

TEST_F(Consumers, EightInModeEvery) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "30", "--policy", "block"});
  std::vector<ChildProcess> consumers;
  for (int i = 0; i < 8; ++i)
    consumers.push_back(start_consumer({"--name", "cam", "--mode", "every", "--frames", "40"}));
  for (auto& consumer : consumers) {
    const auto done = finish_and_check(consumer, 90s);
    EXPECT_EQ(done["missing"], 0) << done;
    EXPECT_EQ(done["frames"], 40) << done;
  }
  stop_and_check(producer);
}

TEST_F(Consumers, ASlowOneSkipsAndAFastOneDoesNot) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "60"});
  auto slow = start_consumer({"--name", "cam", "--frames", "10", "--pace-ms", "100"});
  auto fast = start_consumer({"--name", "cam", "--frames", "60"});
  const auto slow_done = finish_and_check(slow);
  const auto fast_done = finish_and_check(fast);
  EXPECT_GT(slow_done["skipped"], 9) << "at 60 frames a second and 100 ms a frame";
  EXPECT_LT(fast_done["skipped"], slow_done["skipped"]);
  stop_and_check(producer);
}

TEST_F(Consumers, AFastOneWaitsForASlowProducer) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "10"});
  auto consumer = start_consumer({"--name", "cam", "--frames", "15"});
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  stop_and_check(producer);
}

TEST_F(Consumers, AProducerAtFullSpeedOutrunsThemAndStaysRight) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "0"});
  auto latest = start_consumer({"--name", "cam", "--frames", "100"});
  auto every = start_consumer({"--name", "cam", "--mode", "every", "--frames", "100"});
  EXPECT_EQ(finish_and_check(latest)["frames"], 100);
  EXPECT_EQ(finish_and_check(every)["frames"], 100);
  stop_and_check(producer);
}

TEST_F(Consumers, HoldSeveralFramesAtOnce) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--rate", "60"});
  auto consumer = start_consumer({"--name", "cam", "--holds", "5", "--recheck", "--frames", "60"});
  EXPECT_EQ(finish_and_check(consumer)["frames"], 60);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
