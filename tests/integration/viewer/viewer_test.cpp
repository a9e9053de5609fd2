// The windowed viewer as a user sees it: renderer, broker and viewer as they are, and a photo of the screen.

#include <signal.h>

#include <optional>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/integration/viewer/virtual_screen.h"

namespace ferry::test {
namespace {

constexpr int kWidth = 1280, kHeight = 720;  // of the screen, and of the viewer's window
constexpr int kStreamWidth = 640, kStreamHeight = 360;

class Viewer : public StreamTest {
 protected:
  void SetUp() override {
    if (const std::string why = VirtualScreen::why_not(); !why.empty()) GTEST_SKIP() << why;
    screen_ = std::make_unique<VirtualScreen>(kWidth, kHeight);
  }

  ChildProcess start_renderer(const std::string& rate) {
    auto renderer = start("ferry-renderer", {"scene", "--size", "640x360", "--rate", rate, "--validate"});
    EXPECT_TRUE(renderer.read_line(60s).has_value()) << renderer.error_text();  // it has described its stream
    return renderer;
  }
  ChildProcess start_viewer() {
    return start("ferry-viewer", {"scene", "--validate"},
                 {{{"DISPLAY", screen_->display()}}, broker_.folder().file("viewer")});
  }
  /// One frame, by way of the command line.
  Bitmap snapshot() {
    const std::string file = broker_.folder().file("snapshot.png");
    auto process = start("ferry", {"snapshot", "scene", file});
    if (!process.wait_exit(60s).clean()) throw std::runtime_error("ferry snapshot: " + process.error_text());
    return screen_->load(file);
  }

  /// The viewer shows its stream at full width beside a panel, in the middle of a background of one colour: the rows
  /// that are not background say where. Nothing when the window shows no picture yet.
  static std::optional<Bitmap> picture_in(const Bitmap& screen) {
    constexpr int kProbe = kWidth / 2;  // columns that the panel does not reach
    const Colour background = screen.at(0, 0);
    const auto is_background = [&](int y) {
      for (int x = 0; x < kProbe; ++x)
        if (!(screen.at(x, y) == background)) return false;
      return true;
    };
    int top = 0, bottom = kHeight;
    while (top < kHeight && is_background(top)) ++top;
    while (bottom > top && is_background(bottom - 1)) --bottom;
    const int height = bottom - top, width = height * kStreamWidth / kStreamHeight;
    if (height < kHeight / 3 || width > kWidth) return std::nullopt;
    return screen.crop(0, top, width, height);
  }

  /// The picture on the screen, as soon as @p good says yes; the last one in any case.
  template <class Predicate>
  Bitmap picture_when(Predicate good) {
    const Deadline deadline(30s);
    for (;;) {
      const Bitmap screen = screen_->screenshot();
      const auto picture = picture_in(screen);
      if (picture && good(*picture)) return *picture;
      if (deadline.passed()) return picture ? *picture : screen;
      std::this_thread::sleep_for(200ms);
    }
  }

  static void stop(ChildProcess& process) {
    process.send_signal(SIGTERM);
    const ExitStatus status = process.wait_exit();
    EXPECT_TRUE(status.clean()) << "exit code " << status.code << ", signal " << status.signal << "\n"
                                << process.error_text();
  }

  static constexpr double kSame = 6;      // of 255: another scale, another filter
  static constexpr double kPicture = 10;  // of 255: no single colour

  std::unique_ptr<VirtualScreen> screen_;
};

TEST_F(Viewer, ShowsWhatWasRendered) {
  auto renderer = start_renderer("0.01");  // one frame, and no other while the test lasts
  const Bitmap wanted = snapshot();
  ASSERT_GT(contrast(wanted), kPicture) << "the scene is empty";
  auto viewer = start_viewer();
  const Bitmap shown = picture_when([&](const Bitmap& picture) { return difference(picture, wanted) < kSame; });
  EXPECT_GT(contrast(shown), kPicture) << "the window is empty";
  EXPECT_LT(difference(shown, wanted), kSame);
  stop(viewer);
  stop(renderer);
}

TEST_F(Viewer, ShowsWhatMoves) {
  auto renderer = start_renderer("20");
  auto viewer = start_viewer();
  const Bitmap first = picture_when([](const Bitmap& picture) { return contrast(picture) > kPicture; });
  EXPECT_GT(contrast(first), kPicture) << "the window is empty";
  const Bitmap later = picture_when([&](const Bitmap& picture) { return difference(picture, first) > 1; });
  EXPECT_GT(difference(later, first), 1) << "the picture stands still";
  EXPECT_LT(difference(later, first), 128);
  stop(viewer);
  stop(renderer);
}

TEST_F(Viewer, KeepsTheLastPictureWhenTheRendererIsKilled) {
  auto renderer = start_renderer("20");
  auto viewer = start_viewer();
  picture_when([](const Bitmap& picture) { return contrast(picture) > kPicture; });
  renderer.kill_now();
  std::this_thread::sleep_for(1s);
  EXPECT_TRUE(viewer.running()) << viewer.error_text();
  const Bitmap kept = picture_when([](const Bitmap& picture) { return contrast(picture) > kPicture; });
  EXPECT_GT(contrast(kept), kPicture) << "the last picture has gone";

  auto another = start_renderer("20");
  const Bitmap moving = picture_when([&](const Bitmap& picture) { return difference(picture, kept) > 1; });
  EXPECT_GT(difference(moving, kept), 1) << "the picture stands still after the takeover";
  stop(viewer);
  stop(another);
}

TEST_F(Viewer, IsWhatFerryViewBecomes) {
  const SpawnOptions environment{{{"DISPLAY", screen_->display()}, {"FERRY_SOCKET", broker_.socket()}},
                                 broker_.folder().file("view")};
  const std::string ferry = program_folder() + "/ferry";
  for (const Arguments& arguments :
       {Arguments{"view", "scene", "--exit-after", "0.5"}, Arguments{"view", "--", "-x", "--exit-after", "0.5"}}) {
    ChildProcess view(ferry, arguments, environment);
    const ExitStatus status = view.wait_exit(60s);
    EXPECT_TRUE(status.clean()) << status.code << ": " << view.error_text();
  }
}

}  // namespace
}  // namespace ferry::test
