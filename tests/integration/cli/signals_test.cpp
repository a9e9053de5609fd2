// SIGTERM and SIGINT end every program that would go on, and it says what it has done.

#include <signal.h>

#include <filesystem>

#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

class Signals : public ProgramTest {
 protected:
  /// Until the one consumer of @p stream has had @p frames.
  void wait_for_frames(const std::string& stream, std::uint64_t frames) {
    const auto has_them = [&](const nlohmann::json& status) {
      const auto entry = stream_in(status, stream);
      return !entry.is_null() && entry["consumers"].size() == 1 && entry["consumers"][0]["acquired"] >= frames;
    };
    ASSERT_TRUE(has_them(status_when(has_them, 60s)));
  }
};

TEST_F(Signals, EndAViewerWhoseFramesComeFast) {
  auto source = start_source("fast", {"--size", "64x64", "--rate", "200"});
  const std::string file = files_.file("last.png");
  for (const int signal : {SIGTERM, SIGINT}) {
    auto viewer = launch("ferry-viewer", {"fast", "--headless", "--frames", "0", "--save", file});
    wait_for_frames("fast", 10);
    viewer.send_signal(signal);
    const Outcome outcome = finish(viewer);
    EXPECT_TRUE(outcome.status.clean()) << outcome;
    EXPECT_NE(outcome.output.find(" frames of 'fast' (64x64 RGBA8"), std::string::npos) << outcome;
    EXPECT_TRUE(std::filesystem::remove(file)) << "it has saved no picture";
    status_when([](const auto& status) { return stream_in(status, "fast")["consumers"].empty(); }, 60s);
  }
}

TEST_F(Signals, LeaveAViewerWithFewerFramesThanItWasAskedFor) {
  auto source = start_source("fast", {"--size", "64x64", "--rate", "200"});
  auto viewer = launch("ferry-viewer", {"fast", "--headless", "--frames", "100000000"});
  wait_for_frames("fast", 10);
  viewer.send_signal(SIGTERM);
  const Outcome outcome = finish(viewer);
  EXPECT_EQ(outcome.status.code, 1) << outcome;
  EXPECT_NE(outcome.errors.find("of 100000000 frames: stopped by a signal"), std::string::npos) << outcome;
}

TEST_F(Signals, EndAViewerThatWaitsForItsStream) {
  auto viewer = launch("ferry-viewer", {"nosuch", "--headless"});
  status_when([](const auto& status) { return status["broker"]["sessions"] >= 2; }, 60s);
  viewer.send_signal(SIGTERM);
  EXPECT_EQ(finish(viewer).status.signal, SIGTERM);
}

TEST_F(Signals, EndTheRendererAndTheSource) {
  auto renderer = launch("ferry-renderer", {"scene", "--size", "64x64"});
  auto source = start_source("pattern", {"--size", "64x64"});
  status_when(
      [](const auto& status) {
        const auto scene = stream_in(status, "scene"), pattern = stream_in(status, "pattern");
        return !scene.is_null() && scene["frames"] > 3 && pattern["frames"] > 3;
      },
      60s);
  renderer.send_signal(SIGTERM);
  source.send_signal(SIGTERM);
  const Outcome rendered = finish(renderer), published = finish(source);
  EXPECT_TRUE(rendered.status.clean()) << rendered;
  EXPECT_NE(rendered.output.find(" frames in "), std::string::npos) << rendered;
  EXPECT_TRUE(published.status.clean()) << published;
  EXPECT_NE(published.output.find(" published, "), std::string::npos) << published;
}

TEST_F(Signals, EndAWatch) {
  auto watch = launch("ferry", {"status", "--json", "--watch=0.05"});
  for (int i = 0; i < 3; ++i) {
    const auto line = watch.read_line(60s);
    ASSERT_TRUE(line.has_value());
    EXPECT_EQ(nlohmann::json::parse(*line)["schema"], 1);
  }
  watch.send_signal(SIGTERM);
  EXPECT_TRUE(finish(watch).status.clean());
}

}  // namespace
}  // namespace ferry::test
