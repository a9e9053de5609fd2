// The broker is killed under running streams, and another one starts. Clients hand back what they hold; nobody loses a
// frame, and nobody attaches anew.

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

class Restarts : public StreamTest {
 protected:
  Restarts() : StreamTest("[limits]\nreclaim_grace_ms = 1500\n") {}

  using Processes = std::initializer_list<ChildProcess*>;
  /// kill -9, and @p without_broker with the frames flowing on.
  void kill_broker(Processes consumers, std::chrono::milliseconds without_broker = 0ms) {
    broker_.kill();
    for (ChildProcess* consumer : consumers) consumer->wait_report_if("BROKER_LOST", event_is("BROKER_LOST"));
    std::this_thread::sleep_for(without_broker);
  }
  void start_broker(Processes consumers) {
    broker_.start();
    for (ChildProcess* consumer : consumers) consumer->wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  }
  nlohmann::json cam_when(const std::function<bool(const nlohmann::json&)>& holds) {
    return stream_in(status_when([&](const auto& s) {
                       const auto stream = stream_in(s, "cam");
                       return !stream.is_null() && holds(stream);
                     }),
                     "cam");
  }
  void expect_frames_after(std::uint64_t sequence) {
    EXPECT_GT(cam_when([&](const auto& stream) { return stream["frames"] > sequence; })["frames"], sequence);
  }
};

TEST_F(Restarts, LoseNoFrameHoweverOften) {
  const char* asked = std::getenv("FERRY_RESTARTS");
  const int rounds = asked != nullptr ? std::atoi(asked) : 20;
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--policy", "block", "--paused"});
  auto every = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "8", "--report-frames",
                               "--deadline-ms", "900000"});
  auto latest = start_consumer({"--name", "cam", "--report-frames", "--deadline-ms", "900000"});
  auto by_fd = start_consumer({"--name", "cam", "--use-fd", "--holds", "3", "--report-frames", "--deadline-ms", "900000"});
  publish_first_frame(producer, {&every, &latest, &by_fd});
  producer.send_command("produce 1000000");
  session();
  const auto before = cam_when([](const auto& stream) { return stream["frames"] > 20; });

  std::uint64_t frames = before["frames"];
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE(round);
    // Now and then at once: the next broker is there before anybody has noticed that the last one went.
    kill_broker({}, std::chrono::milliseconds(round % 3 * 100));
    start_broker({&every, &latest, &by_fd});
    const auto stream = cam_when([&](const auto& s) { return s["consumers"].size() == 3 && s["frames"] > frames + 10; });
    EXPECT_EQ(stream["id"], before["id"]);
    EXPECT_EQ(stream["generation"]["id"], before["generation"]["id"]);
    EXPECT_EQ(stream["memory_bytes"], before["memory_bytes"]);
    EXPECT_EQ(stream["consumers"].size(), 3u);
    ASSERT_GT(stream["frames"], frames + 10);
    frames = stream["frames"];
    for (const auto& consumer : stream["consumers"]) EXPECT_TRUE(consumer["admitted"]) << consumer;
  }
  producer.send_command("stop");
  const auto made = producer.wait_report("done");
  EXPECT_EQ(made["starved"], 0) << made;
  EXPECT_EQ(made["connected"], 1);
  const auto read = finish_and_check(every);  // ends with the stream
  EXPECT_EQ(read["missing"], 0) << read;
  EXPECT_EQ(read["last"], made["last"]) << "every frame, to the last";
  finish_and_check(latest);
  finish_and_check(by_fd);
}

TEST_F(Restarts, LoseNoFrameAtFullRateAndNoCount) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--policy", "block", "--rate", "0", "--paused"});
  auto every = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "8", "--deadline-ms", "600000"});
  auto latest = start_consumer({"--name", "cam", "--pace-ms", "25", "--deadline-ms", "600000"});
  producer.send_command("produce 1");
  cam_when([](const auto& s) {
    std::size_t reading = 0;
    for (const auto& consumer : s["consumers"]) reading += consumer["acquired"] == 1 ? 1 : 0;
    return reading == 2;
  });
  producer.send_command("produce 10000000");
  session();
  const auto counts_of = [](const nlohmann::json& stream, const ChildProcess& consumer) {
    for (const auto& lease : stream["consumers"])
      if (lease["pid"] == consumer.pid()) return lease;
    return nlohmann::json();
  };
  auto before = cam_when([&](const auto& s) { return counts_of(s, latest)["skipped"] > 20; });
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    kill_broker({}, std::chrono::milliseconds(round % 3 * 150));
    start_broker({&every, &latest});
    const auto after = cam_when([&](const auto& s) { return s["consumers"].size() == 2; });
    EXPECT_GE(after["frames"], before["frames"]);
    EXPECT_GE(after["starved"], before["starved"]);
    for (const ChildProcess* consumer : {&every, &latest}) {
      const auto then = counts_of(before, *consumer), now = counts_of(after, *consumer);
      ASSERT_TRUE(then.is_object() && now.is_object()) << before << after;
      EXPECT_EQ(now["lease"], then["lease"]);
      for (const char* count : {"acquired", "skipped"}) EXPECT_GE(now[count], then[count]) << count << after;
      for (const char* time : {"latency_p50_ns", "latency_p99_ns"}) EXPECT_GT(now[time], 0u) << time << after;
    }
    before = cam_when([&](const auto& s) { return s["frames"] > after["frames"].template get<std::uint64_t>() + 100; });
  }
  EXPECT_GT(counts_of(before, latest)["skipped"], 0u) << before;
  producer.send_command("stop");
  const auto made = producer.wait_report("done");
  std::printf("%.0f frames a second, under 6 restarts\n", made["frames"].get<double>() / made["seconds"].get<double>());
  const auto read = finish_and_check(every);
  EXPECT_EQ(read["missing"], 0) << read;
  EXPECT_EQ(read["frames"], made["frames"]);
  finish_and_check(latest);
}

TEST_F(Restarts, OfABrokerThatIsStoppedProperlyAreTheSame) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("20 frames", frame_after(20));
  EXPECT_EQ(broker_.stop(), "");
  consumer.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"));
  start_broker({&consumer});
  const std::uint64_t now = cam_when([](const auto& s) { return s["consumers"].size() == 1; })["frames"];
  consumer.wait_report_if("30 frames more", frame_after(now + 30));
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(Restarts, LeaveEverythingToBeDoneThatCouldBeDoneBefore) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  kill_broker({&consumer});
  start_broker({&consumer});

  // Newcomers.
  auto late = start_consumer({"--name", "cam", "--frames", "20", "--holds", "4"});
  finish_and_check(late);
  // Resize.
  const std::uint64_t generation =
      cam_when([](const auto& s) { return s["consumers"].size() == 1; })["generation"]["id"];
  producer.send_command("resize 640x360");
  consumer.wait_report_if("a new generation", [&](const auto& report) {
    return event_is("GENERATION")(report) && report["generation"] > generation;
  });
  std::uint64_t now = cam_when([](const auto&) { return true; })["frames"];
  consumer.wait_report_if("frames of the new size", frame_after(now + 20));
  // Death and take-over.
  producer.kill_now();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"));
  auto second = start("test_producer", {"--name", "cam", "--size", "320x180:BGRA8"});
  now = second.wait_report("created")["first"];
  consumer.wait_report_if("RESUMED", event_is("RESUMED"));
  consumer.wait_report_if("frames of the second", frame_after(now + 20));
  const auto done = stop_and_check(consumer);
  EXPECT_EQ(done["width"], 320);
  stop_and_check(second);
}

TEST_F(Restarts, FindAnOrphanWhenTheProducerDiedMeanwhile) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  auto other = start_consumer({"--name", "cam", "--mode", "every", "--report-frames"});
  // Both have the images of the generation that made room for the second: what nobody has nobody can hand back.
  for (ChildProcess* viewer : {&consumer, &other}) viewer->wait_report_if("40 frames", frame_after(40));
  kill_broker({&consumer, &other});
  producer.kill_now();
  broker_.start();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"), 60s);
  other.wait_report_if("ORPHANED", event_is("ORPHANED"), 60s);
  const auto orphan = cam_when([](const auto& s) { return s["consumers"].size() == 2; });
  EXPECT_EQ(orphan["state"], "orphaned");

  auto late = start_consumer({"--name", "cam", "--frames", "1"});
  const std::uint64_t last = finish_and_check(late)["last"];
  EXPECT_EQ(last, orphan["frames"]);
  auto second = start("test_producer", {"--name", "cam", "--size", "320x180:BGRA8"});
  const std::uint64_t continues_at = second.wait_report("created")["first"];
  EXPECT_GT(continues_at, last) << "numbers are never used again";
  consumer.wait_report_if("RESUMED", event_is("RESUMED"));
  consumer.wait_report_if("frames of the second", frame_after(continues_at + 20));
  other.wait_report_if("RESUMED", event_is("RESUMED"));
  stop_and_check(consumer);
  stop_and_check(other);
  stop_and_check(second);
}

TEST_F(Restarts, DoNotWaitForAConsumerThatDiedMeanwhile) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--policy", "block"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  auto recorder = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "4", "--report-frames"});
  recorder.wait_report_if("20 frames", frame_after(20));
  kill_broker({&survivor, &recorder});
  recorder.kill_now();  // its queue fills, and without a broker nobody ends its lease
  start_broker({&survivor});
  const std::uint64_t now = cam_when([](const auto& s) { return s["consumers"].size() == 1; })["frames"];
  survivor.wait_report_if("60 frames more", frame_after(now + 60));
  stop_and_check(survivor);
  producer.send_command("stop");
  producer.wait_report("done");
}

TEST_F(Restarts, GiveUpAConsumerThatStandsStillAndTellItSo) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--policy", "block"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  auto stopped = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "4", "--report-frames"});
  stopped.wait_report_if("20 frames", frame_after(20));
  stopped.send_signal(SIGSTOP);
  kill_broker({&survivor});
  start_broker({&survivor});
  const std::uint64_t now = cam_when([](const auto& s) { return s["consumers"].size() == 1; })["frames"];
  survivor.wait_report_if("60 frames more", frame_after(now + 60), 30s);
  stopped.send_signal(SIGCONT);
  const auto ended = stopped.wait_report("ended");
  EXPECT_EQ(ended["code"], FERRY_ERROR_EVICTED) << ended;
  finish_and_check(stopped);
  stop_and_check(survivor);
  producer.send_command("stop");
  producer.wait_report("done");
}

TEST_F(Restarts, FindThemGoneThatLeftMeanwhile) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  auto leaver = start_consumer({"--name", "cam", "--report-frames", "--holds", "3"});
  leaver.wait_report_if("10 frames", frame_after(10));
  kill_broker({&consumer, &leaver});
  stop_and_check(leaver);
  start_broker({&consumer});
  cam_when([](const auto& s) { return s["consumers"].size() == 1; });
  kill_broker({&consumer});
  stop_and_check(producer);
  start_broker({&consumer});
  consumer.wait_report_if("CLOSED", event_is("CLOSED"));
  EXPECT_EQ(finish_and_check(consumer)["ended"], "FERRY_ERROR_STREAM_CLOSED");
}

TEST_F(Restarts, LoseNothingThatCrossesInHostMemory) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--transport", "host-memory", "--policy", "block"});
  auto every = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "4", "--report-frames"});
  every.wait_report_if("20 frames", frame_after(20));
  for (int round = 0; round < 3; ++round) {
    kill_broker({&every});
    start_broker({&every});
    const auto stream = cam_when([](const auto& s) { return s["consumers"].size() == 1; });
    EXPECT_EQ(stream["transport"], "host-memory");
    every.wait_report_if("20 frames more", frame_after(stream["frames"].get<std::uint64_t>() + 20));
  }
  producer.send_command("stop");
  const auto made = producer.wait_report("done");
  const auto read = finish_and_check(every);
  EXPECT_EQ(read["missing"], 0) << read;
  EXPECT_EQ(read["last"], made["last"]);
}

TEST_F(Restarts, AreWaitedOutByWhoWaitsForAStream) {
  auto waits = start("test_consumer", {"--name", "later", "--frames", "20", "--attach-timeout-ms", "120000"});
  // Greeted: a session counts from its first byte, and who has only connected is refused when the broker dies.
  const Deadline deadline(20s);
  while (broker_.log().find("'test_consumer'") == std::string::npos && !deadline.passed()) std::this_thread::sleep_for(5ms);
  status_when([](const auto& s) { return s["broker"]["sessions"] == 2; });
  for (int round = 0; round < 3; ++round) {
    broker_.kill();
    std::this_thread::sleep_for(50ms);
    broker_.start();
    const auto status = status_when([](const auto& s) { return s["broker"]["sessions"] == 2; });
    EXPECT_EQ(status["broker"]["sessions"], 2) << "it is back by itself";
  }
  auto producer = start_producer({"--name", "later", "--size", "160x90:RGBA8"});
  finish_and_check(waits);
  stop_and_check(producer);
}

TEST_F(Restarts, LeaveNothingBehind) {
  session();
  const auto descriptors = [&] {
    std::this_thread::sleep_for(3s);  // the grace period has a timer
    return TempDir::list("/proc/" + std::to_string(broker_.pid()) + "/fd").size();
  };
  const auto come_and_go = [&] {
    auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--no-validation"});
    auto consumer = start_consumer({"--name", "cam", "--keep", "--holds", "2", "--no-validation"});
    consumer.wait_report("holding");
    kill_broker({});
    broker_.start();
    cam_when([](const auto& s) { return s["consumers"].size() == 1; });
    producer.kill_now();
    consumer.kill_now();
    return status_when([](const auto& s) { return s["broker"]["sessions"] == 1 && s["streams"].empty(); });
  };
  come_and_go();
  const auto once = descriptors();
  const auto status = come_and_go();
  EXPECT_EQ(descriptors(), once);
  EXPECT_EQ(status["broker"]["memory_bytes"], 0) << status;
  EXPECT_EQ(status["streams"].size(), 0u) << status;
}

}  // namespace
}  // namespace ferry::test
