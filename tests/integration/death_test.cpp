// Processes that are killed or stopped while frames flow. Whoever is left goes on, with every pixel right.

#include <signal.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"

namespace ferry::test {
namespace {

using Deaths = StreamTest;

TEST_F(Deaths, AConsumerKilledWithFramesInItsHandsIsForgotten) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  auto victim = start_consumer({"--name", "cam", "--keep", "--holds", "4"});
  victim.wait_report("holding");
  victim.kill_now();

  const auto status = status_when([](const auto& s) { return stream_in(s, "cam")["consumers"].size() == 1; });
  EXPECT_EQ(stream_in(status, "cam")["consumers"].size(), 1u) << "the dead lease is still listed";
  const std::uint64_t now = stream_in(status, "cam")["frames"];
  survivor.wait_report_if("60 frames more", frame_after(now + 60));
  stop_and_check(survivor);
  EXPECT_EQ(stop_and_check(producer)["starved"], 0);
}

/// In sync mode timeline the slots that it has let go of are free, but for its GPU, which reads them for ever: a producer whose
/// queue came to wait for one of them would draw nothing any more. In sync mode host they just stay held.
TEST_F(Deaths, AConsumerWhoseWorkOnTheGpuNeverEndsHoldsNobodyUp) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8", "--report-frames"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames", "--deadline-ms", "600000"});
  const auto several_laps_of_the_pool = [&](const char* when) {
    const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
    survivor.wait_report_if(when, frame_after(now + 120), 60s);
  };
  auto victim = start_consumer({"--name", "cam", "--hang-at", "5", "--no-validation"});
  victim.wait_report("hanging");
  several_laps_of_the_pool("while it lives");
  victim.send_signal(SIGSTOP);
  several_laps_of_the_pool("while it is stopped");
  victim.kill_now();
  status_when([](const auto& s) { return stream_in(s, "cam")["consumers"].size() == 1; });
  several_laps_of_the_pool("after its end");
  const auto done = stop_and_check(survivor);
  const double longest_ms = done["longest_gap_ns"].get<double>() / 1e6;
  std::printf("longest gap between two frames: %.0f ms\n", longest_ms);
  // NVIDIA's driver takes seconds to bury it, and stops whoever frees something then. Drivers in software do not, and what
  // else the machine does would show.
  if (session().device_info().is_software == 0) {
    EXPECT_LT(longest_ms, 1500) << "the survivor stood still while it was buried";
  }
  stop_and_check(producer);
}

/// In sync mode timeline a viewer may have taken the frame that is never drawn: its queue waits until the broker signals
/// for the dead, and what it then reads is nobody's picture. Who comes when it is known to be stuck is spared, and so is everybody in
/// sync mode host.
TEST_F(Deaths, APublishedFrameWhoseWorkNeverEndsBlocksNoViewer) {
  constexpr std::uint64_t kHangs = 30;
  auto first = start("test_producer", {"--name", "cam", "--size", "320x180:RGBA8", "--hang-at", std::to_string(kHangs),
                                       "--no-validation"});
  const bool by_timeline = first.wait_report("created")["sync_mode"] == "timeline";
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  auto event_loop = start_consumer({"--name", "cam", "--use-fd", "--report-frames"});
  first.wait_report("hanging");
  if (by_timeline)
    std::this_thread::sleep_for(1500ms);  // until then it may be slow
  else
    for (ChildProcess* viewer : {&consumer, &event_loop})
      viewer->wait_report_if("the last complete frame", frame_after(kHangs - 2));
  auto late = start_consumer({"--name", "cam", "--frames", "1"});
  EXPECT_EQ(finish_and_check(late)["last"], kHangs - 1) << "the last complete frame, for whoever comes now";
  first.kill_now();
  for (ChildProcess* viewer : {&consumer, &event_loop}) viewer->wait_report_if("ORPHANED", event_is("ORPHANED"), 60s);
  auto orphans = start_consumer({"--name", "cam", "--frames", "1"});
  const auto last = orphans.wait_report("done");
  EXPECT_EQ(last["last"], kHangs - 1) << "what its GPU never finished is not the last frame";
  orphans.wait_exit();

  auto second = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
  for (ChildProcess* viewer : {&consumer, &event_loop}) {
    viewer->wait_report_if("RESUMED", event_is("RESUMED"));
    viewer->wait_report_if("30 frames more", frame_after(now + 30));
    viewer->send_command("stop");
    const auto done = viewer->wait_report("done");
    EXPECT_LE(done["wrong"], by_timeline ? 1 : 0) << done;
    EXPECT_EQ(done["disorder"], 0) << done;
    EXPECT_EQ(done["width"], 160) << done;
    EXPECT_TRUE(viewer->wait_exit().clean());
  }
  stop_and_check(second);
}

TEST_F(Deaths, ManyConsumersKilledInARowDrainNothing) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--report-frames"});
  for (int round = 0; round < 6; ++round) {
    auto victim = start_consumer({"--name", "cam", "--keep", "--holds", "3"});
    victim.wait_report("holding");
    victim.kill_now();
  }
  const auto status = status_when([](const auto& s) { return stream_in(s, "cam")["consumers"].empty(); });
  EXPECT_TRUE(stream_in(status, "cam")["consumers"].empty()) << status;
  const std::uint64_t now = stream_in(status, "cam")["frames"];
  producer.wait_report_if("60 frames more", frame_after(now + 60));
  EXPECT_EQ(stop_and_check(producer)["starved"], 0);
}

TEST_F(Deaths, AKilledProducerLeavesItsLastFrameAndAnotherTakesOver) {
  auto first = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("20 frames", frame_after(20));
  first.kill_now();
  consumer.wait_report_if("ORPHANED", event_is("ORPHANED"));

  // The last complete frame is there for whoever comes now.
  auto late = start_consumer({"--name", "cam", "--frames", "1"});
  const std::uint64_t last = finish_and_check(late)["last"];
  EXPECT_GE(last, 20u);

  auto second = start("test_producer", {"--name", "cam", "--size", "640x360:BGRA8"});
  const std::uint64_t continues_at = second.wait_report("created")["first"];
  EXPECT_GT(continues_at, last) << "numbers are never used again";
  consumer.wait_report_if("RESUMED", event_is("RESUMED"));
  consumer.wait_report_if("frames of the second", frame_after(continues_at + 20));
  const auto done = stop_and_check(consumer);
  EXPECT_EQ(done["width"], 640) << done;
  stop_and_check(second);
}

TEST_F(Deaths, AStreamSurvivesThreeProducers) {
  auto consumer_started = false;
  std::unique_ptr<ChildProcess> consumer;
  for (int round = 0; round < 3; ++round) {
    auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--rate", "100"});
    if (!consumer_started) {
      consumer = std::make_unique<ChildProcess>(start_consumer({"--name", "cam", "--report-frames"}));
      consumer_started = true;
    } else {
      consumer->wait_report_if("RESUMED", event_is("RESUMED"));
    }
    const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
    consumer->wait_report_if("30 frames more", frame_after(now + 30));
    producer.kill_now();
    consumer->wait_report_if("ORPHANED", event_is("ORPHANED"));
  }
  stop_and_check(*consumer);
}

TEST_F(Deaths, FramesFlowWithoutABroker) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("20 frames", frame_after(20));
  broker_.kill();
  consumer.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"));
  const std::uint64_t now = consumer.reports().back().value("sequence", std::uint64_t{20});
  consumer.wait_report_if("100 frames more", frame_after(now + 100));
  stop_and_check(consumer);
  EXPECT_EQ(stop_and_check(producer)["connected"], 0);
}

TEST_F(Deaths, ANewBrokerStartsWhereOneWasKilled) {
  broker_.kill();
  broker_.start();
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--frames", "10"});
  finish_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(Deaths, AStoppedConsumerStallsNobody) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto survivor = start_consumer({"--name", "cam", "--report-frames"});
  auto stopped = start_consumer({"--name", "cam", "--report-frames", "--holds", "3"});
  stopped.wait_report_if("10 frames", frame_after(10));
  stopped.send_signal(SIGSTOP);
  const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
  survivor.wait_report_if("120 frames more", frame_after(now + 120));
  stopped.send_signal(SIGCONT);
  // It either goes on, or was told that it was evicted; its frames were right in any case.
  stopped.wait_report_if("a frame or an end", [&](const auto& report) {
    return frame_after(now + 120)(report) || report["report"] == "ended";
  });
  stop_and_check(stopped);
  stop_and_check(survivor);
  EXPECT_EQ(stop_and_check(producer)["starved"], 0);
}

TEST_F(Deaths, AStoppedProducerLeavesItsConsumersWaitingNotHanging) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  auto consumer = start_consumer({"--name", "cam", "--report-frames"});
  consumer.wait_report_if("10 frames", frame_after(10));
  producer.send_signal(SIGSTOP);
  std::this_thread::sleep_for(500ms);
  auto late = start_consumer({"--name", "cam"});  // nobody answers it: it must be able to leave
  stop_and_check(late);
  producer.send_signal(SIGCONT);
  const std::uint64_t now = stream_in(session().status(), "cam")["frames"];
  consumer.wait_report_if("30 frames more", frame_after(now + 30));
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(Deaths, EverybodyKilledLeavesAnEmptyBroker) {
  {
    auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
    auto consumer = start_consumer({"--name", "cam", "--keep", "--holds", "2"});
    consumer.wait_report("holding");
    producer.kill_now();
    consumer.kill_now();
  }
  const auto status =
      status_when([](const auto& s) { return s["streams"].empty() || stream_in(s, "cam")["consumers"].empty(); });
  const auto stream = stream_in(status, "cam");
  EXPECT_TRUE(stream.is_null() || stream["consumers"].empty()) << stream;
}

TEST_F(Deaths, TheBrokerKeepsNothingOfTheDead) {
  const std::string descriptors = "/proc/" + std::to_string(broker_.pid()) + "/fd";
  session();  // counts from here on
  const auto come_and_go = [&] {
    auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--no-validation"});
    auto consumer = start_consumer({"--name", "cam", "--keep", "--holds", "2", "--no-validation"});
    consumer.wait_report("holding");
    producer.kill_now();
    consumer.kill_now();
    status_when([](const auto& s) { return s["broker"]["sessions"] == 1; });
  };
  // A thread of the broker's closes them, when it gets to it.
  const auto settled = [&] {
    std::size_t count = TempDir::list(descriptors).size(), last;
    do {
      last = count;
      std::this_thread::sleep_for(100ms);
      count = TempDir::list(descriptors).size();
    } while (count < last);
    return count;
  };
  come_and_go();  // whatever is opened once and kept
  const std::size_t before = settled();
  for (int round = 0; round < 5; ++round) come_and_go();
  const Deadline deadline(10s);
  while (TempDir::list(descriptors).size() > before && !deadline.passed()) std::this_thread::sleep_for(10ms);
  EXPECT_LE(TempDir::list(descriptors).size(), before);
  const auto status = session().status();
  EXPECT_EQ(status["broker"]["memory_bytes"], 0) << status;
  EXPECT_EQ(status["streams"].size(), 0u) << status;
}

class Evictions : public StreamTest {
 protected:
  Evictions() : StreamTest("[limits]\neviction_deadline_ms = 300\n") {}
};

TEST_F(Evictions, AStoppedRecorderThatBlocksItsProducerHasToGo) {
  auto producer = start_producer({"--name", "rec", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "100"});
  auto viewer = start_consumer({"--name", "rec", "--report-frames"});
  auto recorder = start_consumer({"--name", "rec", "--mode", "every", "--queue-depth", "2", "--report-frames"});
  recorder.wait_report_if("10 frames", frame_after(10));
  recorder.send_signal(SIGSTOP);
  const auto status = status_when([](const auto& s) { return stream_in(s, "rec")["consumers"].size() == 1; });
  EXPECT_EQ(stream_in(status, "rec")["consumers"].size(), 1u) << status;
  const std::uint64_t now = stream_in(status, "rec")["frames"];
  viewer.wait_report_if("60 frames more", frame_after(now + 60));

  recorder.send_signal(SIGCONT);
  const auto ended = recorder.wait_report("ended");
  EXPECT_EQ(ended["code"], FERRY_ERROR_EVICTED) << ended;
  EXPECT_NE(ended["text"].get<std::string>().find("'rec'"), std::string::npos) << ended;
  finish_and_check(recorder);
  stop_and_check(viewer);
  stop_and_check(producer);
}

TEST_F(Evictions, AreNoBanTheSameProcessAttachesAgain) {
  auto producer = start_producer({"--name", "rec", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "100"});
  auto recorder = start_consumer({"--name", "rec", "--mode", "every", "--queue-depth", "2", "--report-frames", "--reattach"});
  recorder.wait_report_if("10 frames", frame_after(10));
  recorder.send_signal(SIGSTOP);
  const auto status = status_when([](const auto& s) { return stream_in(s, "rec")["consumers"].empty(); });
  const auto before = stream_in(status, "rec");
  ASSERT_TRUE(before["consumers"].empty()) << before;
  recorder.send_signal(SIGCONT);
  expect_right(recorder.wait_report("evicted"));
  recorder.wait_report("attached");
  recorder.wait_report_if("frames of the second lease", frame_after(before["frames"].get<std::uint64_t>() + 30));
  const auto after = stream_in(session().status(), "rec");
  ASSERT_EQ(after["consumers"].size(), 1u) << after;
  EXPECT_EQ(after["consumers"][0]["pid"], recorder.pid());
  EXPECT_EQ(after["generation"]["id"], before["generation"]["id"]) << "nothing has to be allocated anew";
  const auto done = stop_and_check(recorder);
  EXPECT_EQ(done["missing"], 0) << "every frame since it is back: " << done;
  stop_and_check(producer);
}

/// Nobody is sent away for standing still alone: only who keeps others from going on (docs/reliability.md).
TEST_F(Evictions, AStoppedViewerThatStarvesNobodyStays) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--rate", "100"});
  auto viewer = start_consumer({"--name", "cam", "--report-frames", "--holds", "3"});
  viewer.wait_report_if("10 frames", frame_after(10));
  viewer.send_signal(SIGSTOP);
  std::this_thread::sleep_for(3s);  // ten times the deadline
  const auto stream = stream_in(session().status(), "cam");
  EXPECT_EQ(stream["consumers"].size(), 1u) << stream;
  viewer.send_signal(SIGCONT);
  viewer.wait_report_if("frames again", frame_after(stream["frames"].get<std::uint64_t>()));
  stop_and_check(viewer);
  EXPECT_EQ(stop_and_check(producer)["starved"], 0);
}

}  // namespace
}  // namespace ferry::test
