#include "tests/integration/viewer/viewer_fixture.h"

#include <signal.h>

#include <stdexcept>

namespace ferry::test {
namespace {

constexpr int kWidth = 1280, kHeight = 720;  // of the screen, and of the viewer's window
constexpr int kStreamWidth = 640, kStreamHeight = 360;

}  // namespace

void Viewer::SetUp() {
  if (const std::string why = VirtualScreen::why_not(); !why.empty()) GTEST_SKIP() << why;
  screen_ = std::make_unique<VirtualScreen>(kWidth, kHeight);
}

ChildProcess Viewer::start_renderer(const std::string& rate) {
  auto renderer = start("ferry-renderer", {"scene", "--size", "640x360", "--rate", rate}, validated({}));
  EXPECT_TRUE(renderer.read_line(60s).has_value()) << renderer.error_text();  // it has described its stream
  return renderer;
}

ChildProcess Viewer::start_viewer(const std::string& stream) {
  return start("ferry-viewer", {stream},
               validated({{{"DISPLAY", screen_->display()}}, broker_.folder().file("viewer")}));
}

Bitmap Viewer::snapshot(const std::string& stream) {
  const std::string file = broker_.folder().file("snapshot.png");
  auto process = start("ferry", {"snapshot", stream, file}, validated({}));
  if (!process.wait_exit(60s).clean()) throw std::runtime_error("ferry snapshot: " + process.error_text());
  return screen_->load(file);
}

void Viewer::stop(ChildProcess& process) {
  process.send_signal(SIGTERM);
  const ExitStatus status = process.wait_exit();
  EXPECT_TRUE(status.clean()) << "exit code " << status.code << ", signal " << status.signal << "\n"
                              << process.error_text();
}

/// The viewer shows its stream at full width beside a panel, in the middle of a background of one colour: the rows that
/// are not background say where.
std::optional<Bitmap> Viewer::picture_in(const Bitmap& screen) {
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

}  // namespace ferry::test
