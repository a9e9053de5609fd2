// Nobody writes what somebody reads: a producer at full speed against consumers that look twice at every frame, and
// against consumers that release a frame before the GPU has begun to read it. And the proof that these tests would see it:
// the same with a library that ignores holds, and with one that ignores release points.

#include <cstdlib>
#include <thread>

#include "tests/integration/stream_test.h"

namespace ferry::test {
namespace {

std::chrono::seconds stress_duration() {
  const char* text = std::getenv("FERRY_STRESS_SECONDS");
  return std::chrono::seconds(text == nullptr ? 60 : std::max(1, std::atoi(text)));
}

class Tearing : public StreamTest {
 protected:
  static constexpr const char* kDeadlineMs = "3600000";  // the test stops them

  std::vector<ChildProcess> start_readers() {
    const std::vector<Arguments> kinds{
        {"--holds", "1"},
        {"--holds", "2", "--hold-ms", "40"},
        {"--mode", "every", "--holds", "3", "--queue-depth", "4", "--pace-ms", "5"},
    };
    std::vector<ChildProcess> readers;
    for (Arguments arguments : kinds) {
      arguments.insert(arguments.end(),
                       {"--name", "stress", "--recheck", "--no-validation", "--deadline-ms", kDeadlineMs});
      readers.push_back(start_consumer(std::move(arguments)));
    }
    return readers;
  }
  static Arguments producer_arguments() {
    return {"--name", "stress", "--size", "256x256:RGBA8", "--rate", "0", "--in-flight", "3"};
  }
};

TEST_F(Tearing, NoFrameIsWrittenWhileItIsHeld) {
  Arguments at_full_speed = producer_arguments();
  at_full_speed.push_back("--no-validation");
  auto producer = start_producer(at_full_speed);
  auto readers = start_readers();
  const auto until = std::chrono::steady_clock::now() + stress_duration();
  while (std::chrono::steady_clock::now() < until) {
    std::this_thread::sleep_for(200ms);
    ASSERT_TRUE(producer.running()) << producer.error_text();
    for (auto& reader : readers) ASSERT_TRUE(reader.running()) << reader.error_text();
  }
  std::uint64_t frames = 0;
  for (auto& reader : readers) frames += stop_and_check(reader)["frames"].get<std::uint64_t>();
  const std::uint64_t produced = stop_and_check(producer)["frames"];
  EXPECT_GT(frames, 0u);
  RecordProperty("frames_checked", std::to_string(frames));
  std::printf("%llu frames published, %llu compared twice\n", static_cast<unsigned long long>(produced),
              static_cast<unsigned long long>(frames));
}

TEST_F(Tearing, AProducerThatIgnoresHoldsIsCaught) {
  auto producer = start("test_producer_broken", producer_arguments());
  producer.wait_report("created");
  auto reader = start_consumer(
      {"--name", "stress", "--recheck", "--holds", "2", "--hold-ms", "40", "--until-wrong"});
  const auto done = reader.wait_report("done", 60s);
  EXPECT_EQ(done["ended"], "wrong") << "a broken protocol went unnoticed: " << done;
  EXPECT_GT(done["torn"].get<int>() + done["wrong"].get<int>(), 0) << done;
  reader.wait_exit();
  producer.send_command("stop");
  producer.wait_exit();
}

TEST_F(Tearing, NoFrameIsWrittenBeforeItsReleasePoint) {
  auto producer = start("test_producer", producer_arguments());
  const bool on_gpu = producer.wait_report("created")["sync_mode"] == "timeline";
  std::vector<ChildProcess> readers;
  for (const Arguments& kind : {Arguments{"--holds", "1"}, Arguments{"--mode", "every"}}) {
    Arguments arguments{"--name", "stress", "--release-early", "--frames", "40", "--no-validation"};
    arguments.insert(arguments.end(), kind.begin(), kind.end());
    readers.push_back(start_consumer(arguments));
  }
  std::uint64_t laps = 0;
  for (auto& reader : readers) laps += finish_and_check(reader)["laps"].get<std::uint64_t>();
  const std::uint64_t waited = stop_and_check(producer)["waited"];
  if (on_gpu) {
    EXPECT_GT(waited, 0u) << "no drawing had to wait for a reading";
  } else {
    EXPECT_GT(laps, 0u) << "the producer never came round to a slot that was still to be read";
    EXPECT_EQ(waited, 0u) << "in sync mode host a slot is free when the reading is done, and not before";
  }
}

TEST_F(Tearing, ALibraryThatIgnoresReleasePointsIsCaught) {
  auto producer = start("test_producer_hasty", producer_arguments());
  producer.wait_report("created");
  auto reader = start("test_consumer_hasty", {"--name", "stress", "--release-early", "--holds", "1", "--until-wrong",
                                              "--no-validation"});
  const auto done = reader.wait_report("done", 60s);
  EXPECT_EQ(done["ended"], "wrong") << "a broken protocol went unnoticed: " << done;
  EXPECT_GT(done["torn"].get<int>(), 0) << done;
  reader.wait_exit();
  producer.send_command("stop");
  producer.wait_exit();
}

}  // namespace
}  // namespace ferry::test
