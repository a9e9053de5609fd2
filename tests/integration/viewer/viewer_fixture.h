#pragma once
// The windowed viewer as a user sees it: renderer, broker and viewer as they are, and photos of the screen.

#include <memory>
#include <optional>
#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/integration/viewer/virtual_screen.h"

namespace ferry::test {

class Viewer : public StreamTest {
 protected:
  void SetUp() override;

  /// Of stream "scene", 640x360.
  ChildProcess start_renderer(const std::string& rate);
  ChildProcess start_viewer(const std::string& stream = "scene");
  /// One frame, by way of the command line.
  Bitmap snapshot(const std::string& stream = "scene");
  static void stop(ChildProcess& process);

  /// The stream's picture in a photo of the screen. Nothing when the window shows none yet.
  static std::optional<Bitmap> picture_in(const Bitmap& screen);

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

  static constexpr double kSame = 6;      // of 255: another scale, another filter
  static constexpr double kPicture = 10;  // of 255: no single colour

  std::unique_ptr<VirtualScreen> screen_;
};

}  // namespace ferry::test
