// Sync mode sync-fd, on demand: a fence a frame between two processes. Software drivers' own have signalled by the time that
// they are exported, if they export any: here a layer exports them (tests/support/layers/fencing_layer.cpp), pending ones
// where the kernel has sw_sync (scripts/vm-test).

#include <cstdlib>

#include "proto/format.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/dma_buf_needed.h"
#include "tests/support/layers/layers.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::test {
namespace {

class SyncFd : public StreamTest {
 protected:
  SyncFd() : StreamTest(kPatient) {}
  ChildProcess start_fencing(const std::string& program, Arguments arguments, const Environment& more = {}) {
    arguments.emplace_back("--lend-queue");
    SpawnOptions options;
    add_environment(options.environment, with_layer("fencing"));
    add_environment(options.environment, more);
    auto process = start(program, std::move(arguments), std::move(options));
    process.wait_report(program == "test_producer" ? "created" : "attached", 60s);
    return process;
  }
  ChildProcess producer(Arguments more) {
    Arguments all{"--name", "cam", "--sync", "sync-fd"};
    all.insert(all.end(), more.begin(), more.end());
    return start_fencing("test_producer", std::move(all));
  }
  ChildProcess consumer(Arguments more) {
    Arguments all{"--name", "cam", "--report-frames"};
    all.insert(all.end(), more.begin(), more.end());
    return start_fencing("test_consumer", std::move(all));
  }
  nlohmann::json stream() { return stream_in(session().status(), "cam"); }
};

TEST_F(SyncFd, SaysThatItIsInUseAndWhy) {
  auto from = producer({"--size", "67x3:RGBA8", "--paused"});
  auto to = consumer({});
  publish_first_frame(from, {&to});
  EXPECT_EQ(stream()["sync_mode"], "sync-fd");
  EXPECT_EQ(stream()["sync_reason"], "sync-fd: the producer asked for it");
  EXPECT_EQ(stream()["transport"], "opaque-fd");
  EXPECT_EQ(from.reports().front()["sync_mode"], "sync-fd");
  EXPECT_EQ(to.reports().front()["sync_mode"], "sync-fd");
  stop_and_check(to);
  stop_and_check(from);
}

class SyncFdEngine : public SyncFd, public ::testing::WithParamInterface<const char*> {};

TEST_P(SyncFdEngine, CarriesEveryFrameWholeInEverySize) {
  auto from = producer({"--size", "641x361:RGBA8", "--policy", "block", "--rate", "0", "--paused", "--engine", GetParam(),
                        "--resize", "6=67x3:RGBA16F", "--resize", "12=640x360:BGRA8_SRGB"});
  auto every = consumer({"--mode", "every", "--until-sequence", "30"});
  auto latest = consumer({"--until-sequence", "30", "--recheck"});
  publish_first_frame(from, {&every, &latest});
  from.send_command("produce 29");
  const auto done = finish_and_check(every);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 30) << done;
  finish_and_check(latest);
  EXPECT_EQ(stream()["sync_mode"], "sync-fd");
  stop_and_check(from);
}

INSTANTIATE_TEST_SUITE_P(Engines, SyncFdEngine, ::testing::Values("cpu", "gpu"),
                         [](const auto& parameter) { return std::string(parameter.param); });

TEST_F(SyncFd, ALateViewerSeesTheNewestFrame) {
  auto from = producer({"--size", "64x48:RGBA8", "--paused"});
  from.send_command("produce 5");
  from.wait_report("idle", 60s);
  auto to = consumer({});
  // Published once, before there was anybody. The one before it may come first: the fence is on its way meanwhile.
  to.wait_report_if("the newest frame", [](const auto& r) { return r["report"] == "frame" && r["sequence"] == 5; }, 60s);
  stop_and_check(to);
  stop_and_check(from);
}

TEST_F(SyncFd, AViewerThatLooksAwayFindsTheNewestFrameAgain) {
  // More frames than its channel has room for fences of.
  auto from = producer({"--size", "64x48:RGBA8", "--paused"});
  auto sleeps = consumer({"--pace-ms", "3000"});
  publish_first_frame(from, {&sleeps});
  from.send_command("produce 60");
  from.wait_report("idle", 60s);
  sleeps.wait_report_if("the newest frame", [](const auto& r) { return r["report"] == "frame" && r["sequence"] == 61; }, 60s);
  from.send_command("produce 1");
  sleeps.wait_report_if("one more", [](const auto& r) { return r["report"] == "frame" && r["sequence"] == 62; }, 60s);
  stop_and_check(sleeps);
  stop_and_check(from);
}

TEST_F(SyncFd, WakesAnEventLoop) {
  auto from = producer({"--size", "64x48:RGBA8"});
  auto to = consumer({"--use-fd", "--frames", "60"});
  finish_and_check(to);
  stop_and_check(from);
}

TEST_F(SyncFd, GoesOnWhenConsumersDie) {
  auto from = producer({"--size", "64x48:RGBA8", "--min-slots", "16"});
  auto stays = consumer({});
  auto dies = consumer({"--keep", "--holds", "2"});
  dies.wait_report("holding", 60s);
  dies.kill_now();
  const auto before = stays.wait_report("frame", 60s)["sequence"].get<std::uint64_t>();
  stays.wait_report_if("frames after the death", frame_after(before + 60), 60s);
  stop_and_check(stays);
  stop_and_check(from);
}

TEST_F(SyncFd, AnotherProducerTakesOver) {
  auto from = producer({"--size", "64x48:RGBA8", "--min-slots", "16"});
  auto stays = consumer({});
  stays.wait_report_if("frames", frame_after(20), 60s);
  from.kill_now();
  stays.wait_report_if("the orphan's event", event_is("ORPHANED"), 60s);
  const std::uint64_t before = stream()["frames"];
  auto late = consumer({});
  EXPECT_GT(late.wait_report("frame", 60s)["sequence"], before - 5) << "an orphan's last complete frame";
  auto next = producer({"--size", "64x48:RGBA8", "--min-slots", "16"});
  for (auto* viewer : {&stays, &late})
    viewer->wait_report_if("the next producer's frames", frame_after(before + 30), 60s);
  EXPECT_EQ(stream()["sync_mode"], "sync-fd");
  stop_and_check(stays);
  stop_and_check(late);
  stop_and_check(next);
}

TEST_F(SyncFd, GoesOnWithoutABrokerAndWithTheNextOne) {
  auto from = producer({"--size", "67x3:RGBA8", "--policy", "block", "--rate", "0", "--paused"});
  auto to = consumer({"--mode", "every", "--until-sequence", "18"});
  publish_first_frame(from, {&to});
  const auto before = stream();
  broker_.kill();
  to.wait_report_if("BROKER_LOST", event_is("BROKER_LOST"), 60s);
  from.send_command("produce 5");
  to.wait_report_if("frames without a broker", [](const auto& r) { return r["report"] == "frame" && r["sequence"] == 6; },
                    60s);
  broker_.start();
  to.wait_report_if("BROKER_BACK", event_is("BROKER_BACK"), 60s);
  from.send_command("produce 6");
  const auto after = stream_in(status_when([](const auto& s) { return !stream_in(s, "cam").is_null(); }, 60s), "cam");
  EXPECT_EQ(after["sync_mode"], "sync-fd") << after;
  EXPECT_EQ(after["generation"]["id"], before["generation"]["id"]);
  // Who comes now gets a channel from the new broker.
  auto late = consumer({});
  EXPECT_EQ(late.reports().front()["sync_mode"], "sync-fd");
  from.send_command("produce 6");
  late.wait_report_if("a frame", frame_after(12), 60s);
  EXPECT_EQ(finish_and_check(to)["frames"], 18);
  stop_and_check(late);
  stop_and_check(from);
}

TEST_F(SyncFd, NamesTheConsumerThatHasLentNoQueue) {
  auto from = producer({"--size", "64x48:RGBA8"});
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "cam";
  ferry_consumer* refused = nullptr;
  ASSERT_EQ(ferry_consumer_attach(session().connection(), session().device(), &info, &refused), FERRY_ERROR_INCOMPATIBLE);
  const std::string text = ferry_last_error();
  EXPECT_NE(text.find("asks for sync mode sync-fd, but consumer"), std::string::npos) << text;
  EXPECT_NE(text.find("lists no sync_files: "), std::string::npos) << text;
  stop_and_check(from);
}

/// The same by dma-buf: what two drivers have in common.
class SyncFdByDmaBuf : public SyncFd {
 protected:
  void SetUp() override { need_dma_bufs(session().status()); }
  /// Three sizes, and one consumer that sees every frame.
  void expect_every_frame_whole(ChildProcess& from, ChildProcess& every) {
    publish_first_frame(from, {&every});
    from.send_command("produce 17");
    const auto done = finish_and_check(every);
    EXPECT_EQ(done["missing"], 0) << done;
    EXPECT_EQ(done["frames"], 18) << done;
    EXPECT_EQ(stream()["transport"], "dma-buf") << stream();
    EXPECT_EQ(stream()["sync_mode"], "sync-fd") << stream();
  }
  const Arguments sizes_{"--size", "641x361:RGBA8", "--policy", "block", "--rate", "0", "--paused",
                         "--resize", "6=67x3:RGBA16F", "--resize", "12=640x360:BGRA8_SRGB"};
};

TEST_F(SyncFdByDmaBuf, CarriesEveryFrameWholeInEverySize) {
  Arguments arguments{"--transport", "dma-buf"};
  arguments.insert(arguments.end(), sizes_.begin(), sizes_.end());
  auto from = producer(std::move(arguments));
  auto every = consumer({"--mode", "every", "--until-sequence", "18", "--recheck"});
  expect_every_frame_whole(from, every);
  stop_and_check(from);
}

TEST_F(SyncFdByDmaBuf, JoinsAnotherDriver) {
  auto from = producer(sizes_);
  EXPECT_EQ(stream()["transport"], "opaque-fd");
  auto every = start_fencing("test_consumer", {"--name", "cam", "--report-frames", "--mode", "every", "--until-sequence", "18"},
                             with_layer("stranger"));
  expect_every_frame_whole(from, every);
  EXPECT_EQ(stream()["generation"]["foreign_queues"], true) << stream();
  stop_and_check(from);
}

/// Fences that are pending, and a GPU that is not done.
class PendingSyncFd : public SyncFd {
 protected:
  void SetUp() override { need_sw_sync(SwSync::open()); }
};

TEST_F(PendingSyncFd, NobodyWaitsForADeadProducersFence) {
  // Of the fifth frame the drawing never ends, and its fence is pending for as long as the process lives.
  auto from = producer({"--size", "64x48:RGBA8", "--min-slots", "16", "--hang-at", "5"});
  auto stays = consumer({});
  from.wait_report("hanging", 60s);
  // Taken with its fence: it will never be complete.
  const auto taken = [](const nlohmann::json& status) {
    const auto cam = stream_in(status, "cam");
    return cam["frames"] == 5 && cam["consumers"][0]["lag_frames"] == 0;
  };
  const auto status = status_when(taken, 60s);
  EXPECT_TRUE(taken(status)) << status;
  from.kill_now();
  stays.wait_report_if("the orphan's event", event_is("ORPHANED"), 60s);
  auto next = producer({"--size", "64x48:RGBA8", "--min-slots", "16"});
  stays.wait_report_if("the next producer's frames", frame_after(30), 60s);
  // The fifth frame was never drawn. What came after is right.
  stays.send_command("stop");
  stays.wait_report("done", 60s);
  stop_and_check(next);
}

/// By dma-buf, with a fence that is pending for as long as the test likes.
class PendingByDmaBuf : public PendingSyncFd {
 protected:
  void SetUp() override {
    PendingSyncFd::SetUp();
    if (!IsSkipped()) need_dma_bufs(session().status());
  }
};

TEST_F(PendingByDmaBuf, AFrameIsTakenLongBeforeItIsDrawn) {
  auto from = producer({"--size", "641x361:RGBA8", "--rate", "0", "--paused", "--transport", "dma-buf", "--gate-at", "2"});
  auto to = consumer({"--mode", "every", "--until-sequence", "4"});
  publish_first_frame(from, {&to});
  from.send_command("produce 1");
  const auto taken = [](const nlohmann::json& status) {
    const auto cam = stream_in(status, "cam");
    return cam["frames"] == 2 && cam["consumers"][0]["lag_frames"] == 0;
  };
  const auto status = status_when(taken, 60s);
  EXPECT_TRUE(taken(status)) << "with its fence: it is not drawn. " << status;
  from.send_command("open gate");
  from.send_command("produce 2");
  EXPECT_EQ(finish_and_check(to)["frames"], 4);
  stop_and_check(from);
}

/// This process as a consumer that takes frames and reads none.
class HangingSyncFd : public PendingSyncFd {
 protected:
  void SetUp() override {
    PendingSyncFd::SetUp();
    if (IsSkipped()) return;
    from_.emplace(producer({"--size", "64x48:RGBA8", "--min-slots", "16", "--rate", "0", "--paused", "--gate-at", "2"}));
    for (const auto& [name, value] : with_layer("fencing")) ::setenv(name.c_str(), value.c_str(), 1);
    fencing_ = std::make_unique<Session>(SessionOptions{.socket = broker_.socket(), .lend_queue = true});
    for (const auto& [name, value] : with_layer("fencing")) ::unsetenv(name.c_str());
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "cam";
    info.mode = FERRY_CONSUMER_EVERY;
    info.max_holds = 4;
    check(ferry_consumer_attach(fencing_->connection(), fencing_->device(), &info, &consumer_), "ferry_consumer_attach");
  }
  void TearDown() override {
    if (consumer_ != nullptr) {
      EXPECT_EQ(ferry_consumer_destroy(consumer_), FERRY_OK) << ferry_last_error();
    }
    if (from_) stop_and_check(*from_);
    fencing_.reset();
    PendingSyncFd::TearDown();
  }
  void produce(int count) {
    from_->send_command("produce " + std::to_string(count));
    from_->wait_report("idle", 60s);
  }
  /// 0: none came in time.
  std::uint64_t acquire(std::chrono::nanoseconds patience) {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    const std::int32_t code = ferry_consumer_acquire(consumer_, patience.count(), &frame);
    if (code == FERRY_ERROR_TIMEOUT) return 0;
    check(code, "ferry_consumer_acquire");
    return frame.sequence;
  }
  std::optional<ChildProcess> from_;
  std::unique_ptr<Session> fencing_;
  ferry_consumer* consumer_ = nullptr;
};

TEST_F(HangingSyncFd, NoFurtherFenceIsImportedWhileOneHangs) {
  produce(1);
  EXPECT_EQ(acquire(60s), 1u);
  produce(2);
  EXPECT_EQ(acquire(60s), 2u);
  EXPECT_EQ(acquire(60s), 3u) << "the GPU may wait for a second one";
  std::this_thread::sleep_for(1500ms);  // longer than any GPU's work should take
  produce(1);
  EXPECT_EQ(acquire(500ms), 0u) << "a third one hangs behind the first";
  from_->send_command("open gate");
  EXPECT_EQ(acquire(60s), 4u);
}

TEST_F(PendingSyncFd, ALateViewerOfAnOrphanSeesItsLastCompleteFrame) {
  auto from = producer({"--size", "64x48:RGBA8", "--min-slots", "16", "--hang-at", "5"});
  auto watches = consumer({});
  from.wait_report("hanging", 60s);
  from.kill_now();
  watches.wait_report_if("the orphan's event", event_is("ORPHANED"), 60s);
  auto late = consumer({});
  EXPECT_LE(late.wait_report("frame", 60s)["sequence"], 4) << "the fifth is never drawn";
  stop_and_check(late);
}

}  // namespace
}  // namespace ferry::test
