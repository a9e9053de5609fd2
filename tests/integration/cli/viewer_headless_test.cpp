// Renderer and viewer as two processes, every pixel of every frame compared; and what they are compared by tells right
// from wrong.

#include <signal.h>

#include <cmath>

#include "tests/integration/cli/png_picture.h"
#include "tests/integration/cli/program_test.h"
#include "tests/support/layers/validation.h"

namespace ferry::test {
namespace {

class HeadlessViewer : public ProgramTest, public ::testing::WithParamInterface<const char*> {};
class Headless : public ProgramTest {};

TEST_P(HeadlessViewer, SeesEveryPixelAsTheRendererDrewIt) {
  Arguments draw{"scene", "--size", "400x240", "--rate", "20", "--format", GetParam(), "--stamp", "--resize-every", "7"};
  Arguments look{"scene", "--headless", "--frames", "25", "--verify-stamp", "--verify-picture"};
  if (validation_wanted())
    for (Arguments* arguments : {&draw, &look}) arguments->push_back("--validate");
  auto renderer = launch("ferry-renderer", draw);
  const Outcome seen = run("ferry-viewer", look);
  EXPECT_TRUE(seen.status.clean()) << seen;
  EXPECT_NE(seen.output.find("0 of 25 frames wrong (every pixel compared)"), std::string::npos) << seen;
  renderer.send_signal(SIGTERM);
  const Outcome drawn = finish(renderer);
  EXPECT_TRUE(drawn.status.clean()) << drawn;
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, HeadlessViewer,
                         ::testing::Values("RGBA8", "RGBA8_SRGB", "BGRA8", "BGRA8_SRGB", "RGB10A2", "RGBA16F"),
                         [](const auto& test) { return std::string(test.param); });

TEST_F(Headless, SeesMultisampledPictures) {
  auto renderer = launch("ferry-renderer", {"scene", "--size", "320x180", "--rate", "10", "--samples", "4"});
  const Outcome seen = run("ferry-viewer", {"scene", "--headless", "--frames", "5", "--verify-picture"});
  EXPECT_TRUE(seen.status.clean()) << seen;
}

TEST_F(Headless, SavesTheSamePictureAsASnapshot) {
  auto renderer = launch("ferry-renderer", {"still", "--size", "320x180", "--rate", "0.01"});  // one frame
  const std::string saved = files_.file("saved.png"), taken = files_.file("taken.png");
  const Outcome seen = run("ferry-viewer", {"still", "--headless", "--save", saved});
  ASSERT_TRUE(seen.status.clean()) << seen;
  const Outcome snapshot = run("ferry", {"snapshot", "still", taken});
  ASSERT_TRUE(snapshot.status.clean()) << snapshot;
  const PngPicture one(saved), other(taken);
  ASSERT_EQ(one.width_px(), 320);
  ASSERT_EQ(other.height_px(), 180);
  int wrong = 0;
  double darkest = 1, brightest = 0;
  for (int y = 0; y < 180; ++y)
    for (int x = 0; x < 320; ++x) {
      const Rgb a = one.at(x, y), b = other.at(x, y);
      for (std::size_t i = 0; i < 3; ++i) wrong += std::abs(a[i] - b[i]) * 255 > 0.5 ? 1 : 0;
      darkest = std::min(darkest, a[1]);
      brightest = std::max(brightest, a[1]);
    }
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(brightest - darkest, 0.3) << "an empty scene";
}

TEST_F(Headless, FindsFramesOfAnotherKindWrong) {
  auto source = start_source("pattern", {"--size", "320x180"});
  for (const char* check : {"--verify-stamp", "--verify-picture"}) {
    const Outcome outcome = run("ferry-viewer", {"pattern", "--headless", "--frames", "2", check});
    EXPECT_EQ(outcome.status.code, 8) << outcome;
    EXPECT_NE(outcome.errors.find("2 of 2 frames were wrong"), std::string::npos) << outcome;
  }
}

}  // namespace
}  // namespace ferry::test
