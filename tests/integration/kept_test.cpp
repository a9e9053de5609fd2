// The broker is killed and started again by a service manager that has kept descriptors for it: what no client can hand
// back is there all the same.

#include <fcntl.h>
#include <signal.h>

#include <algorithm>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/service_manager.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

struct HasManager {
  TempDir manager_folder;
  ServiceManager manager{manager_folder.file("notify")};
};

class KeptByTheManager : private HasManager, public StreamTest {
 protected:
  explicit KeptByTheManager(const char* capacity = "4096")
      : StreamTest("[limits]\nreclaim_grace_ms = 10000\n", {{"FDSTORE", capacity}}, &manager) {}

  using HasManager::manager;
  void kill_broker() {
    broker_.kill();
    manager.catch_up();
  }
  nlohmann::json cam_when(const std::function<bool(const nlohmann::json&)>& holds) {
    return stream_in(status_when([&](const auto& s) {
                       const auto stream = stream_in(s, "cam");
                       return !stream.is_null() && holds(stream);
                     }),
                     "cam");
  }
  std::size_t entries() {
    manager.catch_up();
    return manager.names().size();
  }
  void expect_nothing_left() {
    EXPECT_TRUE(manager.wait_stored([](const auto& names) { return names.empty(); }, 15s))
        << manager.names().size() << " entries, the first is " << manager.names().front();
  }
  bool log_has(const char* text) const { return broker_.log().find(text) != std::string::npos; }
};

TEST_F(KeptByTheManager, AnOrphansLastFrameIsShownThoughNobodyHandsItBack) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("20 frames", frame_after(20));
  producer.kill_now();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"));
  consumer.send_signal(SIGSTOP);  // it hands nothing back
  kill_broker();
  broker_.start();

  auto late = start_consumer({"--name", "cam", "--frames", "1"});
  const auto read = finish_and_check(late);  // compares the whole image
  const auto orphan = cam_when([](const auto&) { return true; });
  EXPECT_EQ(orphan["state"], "orphaned");
  EXPECT_EQ(read["last"], orphan["frames"]);
  EXPECT_GT(read["last"], 20);
  EXPECT_TRUE(log_has("kept by the service manager")) << broker_.log();
  EXPECT_FALSE(log_has("handed back by")) << broker_.log();

  consumer.send_signal(SIGCONT);
  consumer.kill_now();
  status_when([](const auto& s) { return s["streams"].empty(); });
  expect_nothing_left();
}

TEST_F(KeptByTheManager, AnOrphanSurvivesOneBrokerAfterTheOther) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("20 frames", frame_after(20));
  producer.kill_now();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"));
  consumer.send_signal(SIGSTOP);
  std::uint64_t last = 0;
  for (int round = 0; round < 3; ++round) {
    SCOPED_TRACE(round);
    kill_broker();
    broker_.start();
    auto late = start_consumer({"--name", "cam", "--frames", "1"});
    const std::uint64_t seen = finish_and_check(late)["last"];
    if (round == 0) last = seen;
    EXPECT_EQ(seen, last);
  }
  consumer.send_signal(SIGCONT);
  auto second = start("test_producer", {"--name", "cam", "--size", "320x180:BGRA8"});
  const std::uint64_t continues_at = second.wait_report("created")["first"];
  EXPECT_GT(continues_at, last) << "numbers are never used again";
  consumer.kill_now();
  stop_and_check(second);
  expect_nothing_left();
}

TEST_F(KeptByTheManager, NoFrameIsLostAndNothingStays) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--policy", "block", "--paused"});
  auto every = start_consumer({"--name", "cam", "--mode", "every", "--queue-depth", "8", "--report-frames"});
  auto latest = start_consumer({"--name", "cam", "--report-frames"});
  publish_first_frame(producer, {&every, &latest});
  producer.send_command("produce 1000000");
  std::uint64_t frames = cam_when([](const auto& stream) { return stream["frames"] > 20; })["frames"];
  for (int round = 0; round < 6; ++round) {
    SCOPED_TRACE(round);
    kill_broker();
    std::this_thread::sleep_for(std::chrono::milliseconds(round % 3 * 100));
    broker_.start();
    for (ChildProcess* consumer : {&every, &latest})
      consumer->wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
    if (round == 2) producer.send_command("resize 200x100");
    const auto stream = cam_when([&](const auto& s) { return s["consumers"].size() == 2 && s["frames"] > frames + 10; });
    ASSERT_GT(stream["frames"], frames + 10);
    frames = stream["frames"];
    for (const auto& consumer : stream["consumers"]) EXPECT_TRUE(consumer["admitted"]) << consumer;
  }
  EXPECT_GE(entries(), 4u) << "a stream, a generation, two leases";
  producer.send_command("stop");
  const auto made = producer.wait_report("done");
  EXPECT_EQ(made["starved"], 0) << made;
  const auto read = finish_and_check(every);
  EXPECT_EQ(read["missing"], 0) << read;
  EXPECT_EQ(read["last"], made["last"]) << "every frame, to the last";
  finish_and_check(latest);
  expect_nothing_left();
}

TEST_F(KeptByTheManager, RubbishDoesNotKeepTheBrokerFromStarting) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  const auto in = [](const char* path) { return platform::UniqueFd(::open(path, O_RDWR | O_CLOEXEC)); };
  manager.put("ferry-stream-1.1", in("/dev/null"));
  manager.put("ferry-texture-1.1", in("/dev/null"));
  manager.put("stored", in("/dev/zero"));
  kill_broker();
  broker_.start();
  consumer.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  for (const char* name : {"'ferry-stream-1.1'", "'ferry-texture-1.1'", "'stored'"}) EXPECT_TRUE(log_has(name)) << broker_.log();
  const std::uint64_t now = cam_when([](const auto& s) { return s["consumers"].size() == 1; })["frames"];
  consumer.wait_report_if("20 frames more", frame_after(now + 20));
  stop_and_check(consumer);
  stop_and_check(producer);
  EXPECT_TRUE(manager.wait_stored([](const auto& names) { return names == std::vector<std::string>{"stored"}; }, 15s))
      << "what is not ours is not ours to remove";
}

TEST_F(KeptByTheManager, AManagerThatDoesNotReadHoldsNobodyUp) {
  manager.pause(true);
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  for (int round = 0; round < 20; ++round) {
    auto passer_by = start_consumer({"--name", "cam", "--frames", "2", "--no-validation"});
    finish_and_check(passer_by);
  }
  manager.pause(false);
  stop_and_check(producer);
  expect_nothing_left();
}

/// A unit without FileDescriptorStoreMax=, or one that says 3.
class KeptWithLittleRoom : public KeptByTheManager {
 protected:
  KeptWithLittleRoom() : KeptByTheManager("3") {}
};

TEST_F(KeptWithLittleRoom, TheRestIsHandedBack) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto first = start_consumer({"--name", "cam", "--report-frames"});
  auto second = start_consumer({"--name", "cam", "--report-frames"});
  for (ChildProcess* consumer : {&first, &second}) consumer->wait_report_if("10 frames", frame_after(10));
  EXPECT_EQ(entries(), 3u);
  kill_broker();
  broker_.start();
  for (ChildProcess* consumer : {&first, &second})
    consumer->wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  const std::uint64_t now = cam_when([](const auto& s) { return s["consumers"].size() == 2; })["frames"];
  for (ChildProcess* consumer : {&first, &second}) {
    consumer->wait_report_if("20 frames more", frame_after(now + 20));
    stop_and_check(*consumer);
  }
  stop_and_check(producer);
  expect_nothing_left();
}

}  // namespace
}  // namespace ferry::test
