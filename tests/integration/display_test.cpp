// Frames on a display: a consumer hands its dma-bufs to the kernel's vkms, which scans them out and writes back what it shows
// (scripts/vm-test has one).

#include <cstdlib>
#include <functional>
#include <optional>

#include "tests/integration/stream_test.h"
#include "tests/support/display.h"
#include "tests/support/dma_buf_needed.h"
#include "tests/support/layers/layers.h"
#include "tests/support/sw_sync_needed.h"

namespace ferry::test {
namespace {

class OnADisplay : public StreamTest {
 protected:
  OnADisplay() : StreamTest(kPatient) {}
  void SetUp() override {
    need_dma_bufs(session().status());
    if (IsSkipped() || Display::open()) return;
    if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) FAIL() << "this machine should have vkms";
    GTEST_SKIP() << "no vkms here (scripts/vm-test has one)";
  }
  /// Two of vkms's modes.
  const Arguments sizes_{"--size", "640x480:BGRA8", "--resize", "3=800x600:BGRA8"};
};

TEST_F(OnADisplay, EveryFrameIsShownWhole) {
  Arguments arguments{"--name", "cam", "--policy", "block", "--rate", "0", "--paused", "--transport", "dma-buf"};
  arguments.insert(arguments.end(), sizes_.begin(), sizes_.end());
  auto from = start_producer(std::move(arguments));
  auto to = start("test_display", {"--name", "cam", "--until-sequence", "6"});
  to.wait_report("attached", 60s);
  publish_first_frame(from, {&to});
  from.send_command("produce 5");
  const auto done = to.wait_report("done", 120s);
  EXPECT_EQ(done["frames"], 6) << done;
  EXPECT_EQ(done["wrong_frames"], 0) << done;
  EXPECT_EQ(done["validation_errors"], 0) << done;
  stop_and_check(from);
}

/// The second frame is published long before it is drawn.
class AheadOnADisplay : public OnADisplay {
 protected:
  void SetUp() override {
    OnADisplay::SetUp();
    if (!IsSkipped()) need_sw_sync(SwSync::open());
  }
  ChildProcess start_fencing(const std::string& program, Arguments arguments) {
    arguments.emplace_back("--lend-queue");
    SpawnOptions options;
    add_environment(options.environment, with_layer("fencing"));
    return start(program, std::move(arguments), std::move(options));
  }
  void start_both(const std::string& who_waits) {
    Arguments arguments{"--name", "cam", "--policy", "block", "--rate", "0", "--paused", "--transport", "dma-buf",
                        "--sync", "sync-fd", "--gate-at", "2"};
    arguments.insert(arguments.end(), sizes_.begin(), sizes_.end());
    from_.emplace(start_fencing("test_producer", std::move(arguments)));
    from_->wait_report("created", 60s);
    to_.emplace(start_fencing("test_display", {"--name", "cam", "--until-sequence", "6", "--wait", who_waits}));
    to_->wait_report("attached", 60s);
    publish_first_frame(*from_, {&*to_});
    from_->send_command("produce 1");
    to_->wait_report_if("the second frame's commit", is_second("committed"), 60s);
  }
  static std::function<bool(const nlohmann::json&)> is_second(const char* report) {
    return [report](const nlohmann::json& r) { return r["report"] == report && r["sequence"] == 2; };
  }
  bool second_is_shown_within(std::chrono::milliseconds patience) try {
    to_->wait_report_if("the second frame", is_second("frame"), patience);
    return true;
  } catch (const std::exception&) {
    return false;
  }
  nlohmann::json show_the_rest() {
    from_->send_command("open gate");
    from_->send_command("produce 4");
    const auto done = to_->wait_report("done", 120s);
    EXPECT_EQ(done["frames"], 6) << done;
    EXPECT_EQ(done["validation_errors"], 0) << done;
    stop_and_check(*from_);
    return done;
  }
  std::optional<ChildProcess> from_, to_;
};

TEST_F(AheadOnADisplay, TheDisplayWaitsForTheFence) {
  start_both("display");
  EXPECT_EQ(stream_in(session().status(), "cam")["sync_mode"], "sync-fd");
  EXPECT_FALSE(second_is_shown_within(1s)) << "nothing is drawn yet";
  EXPECT_EQ(show_the_rest()["wrong_frames"], 0);
}

TEST_F(AheadOnADisplay, WithoutTheFenceItShowsWhatIsNotDrawn) {
  start_both("nobody");
  const auto frame = to_->wait_report_if("the second frame", is_second("frame"), 60s);
  EXPECT_NE(frame["wrong_pixels"], 0) << "or the test above sees nothing";
  show_the_rest();
}

}  // namespace
}  // namespace ferry::test
