// The windowed viewer's picture.

#include "tests/integration/viewer/viewer_fixture.h"

namespace ferry::test {
namespace {

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
  const std::string ferry = program_folder() + "/ferry";
  for (const Arguments& arguments :
       {Arguments{"view", "scene", "--exit-after", "0.5"}, Arguments{"view", "--", "-x", "--exit-after", "0.5"}}) {
    ChildProcess view(ferry, arguments,
                      validated({{{"DISPLAY", screen_->display()}, {"FERRY_SOCKET", broker_.socket()}},
                                 broker_.folder().file("view")}));
    const ExitStatus status = view.wait_exit(60s);
    EXPECT_TRUE(status.clean()) << status.code << ": " << view.error_text();
  }
}

}  // namespace
}  // namespace ferry::test
