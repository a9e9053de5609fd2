// `ferry snapshot` of YUV: through a broker and a GPU, as docs/cli.md says. And who shows none says so.

#include <vector>

#include "tests/integration/cli/one_frame.h"
#include "tests/integration/cli/png_picture.h"
#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

class YuvSnapshot : public ProgramTest {
 protected:
  void SetUp() override {
    if (const std::string lack = lack_of(proto::format_info(proto::Format::kNv12)); !lack.empty()) GTEST_SKIP() << lack;
  }
};

constexpr std::uint32_t kSide = 32;

TEST_F(YuvSnapshot, IsInTheColoursOfTheMetadata) {
  // The bars of BT.709 in limited range, one in each quarter: white, red, green, blue.
  struct Bar {
    std::uint8_t y, cb, cr;
    Rgb rgb;
  };
  const Bar bars[] = {{235, 128, 128, {1, 1, 1}}, {63, 102, 240, {1, 0, 0}},  //
                      {173, 42, 26, {0, 1, 0}},   {32, 240, 118, {0, 0, 1}}};
  const auto bar_at = [&](std::uint32_t x, std::uint32_t y, std::uint32_t side) -> const Bar& {
    return bars[(y >= side / 2 ? 2 : 0) + (x >= side / 2 ? 1 : 0)];
  };
  std::vector<std::uint8_t> samples;
  for (std::uint32_t y = 0; y < kSide; ++y)
    for (std::uint32_t x = 0; x < kSide; ++x) samples.push_back(bar_at(x, y, kSide).y);
  for (std::uint32_t y = 0; y < kSide / 2; ++y)
    for (std::uint32_t x = 0; x < kSide / 2; ++x) {
      samples.push_back(bar_at(x, y, kSide / 2).cb);
      samples.push_back(bar_at(x, y, kSide / 2).cr);
    }
  const OneFrame frame(session(), {kSide, kSide, FERRY_FORMAT_NV12}, {.range = FERRY_RANGE_LIMITED},
                       std::as_bytes(std::span(samples)));
  const std::string file = files_.file("yuv.png");
  const Outcome outcome = run("ferry", {"snapshot", OneFrame::kStream, file, "--timeout", "60"});
  ASSERT_TRUE(outcome.status.clean()) << outcome;
  const PngPicture picture(file);
  ASSERT_EQ(picture.width_px(), static_cast<int>(kSide));
  ASSERT_EQ(picture.bits_per_sample(), 8u);
  for (std::uint32_t y = 0; y < kSide; ++y)
    for (std::uint32_t x = 0; x < kSide; ++x) {
      const Rgb seen = picture.at(static_cast<int>(x), static_cast<int>(y)), wanted = bar_at(x, y, kSide).rgb;
      for (std::size_t i = 0; i < 3; ++i) ASSERT_NEAR(seen[i], wanted[i], 1.5 / 255) << x << ", " << y;
    }
}

TEST_F(YuvSnapshot, IsWhatTheViewerPointsTo) {
  const std::vector<std::uint8_t> samples(kSide * kSide * 3 / 2);
  const OneFrame frame(session(), {kSide, kSide, FERRY_FORMAT_NV12}, {}, std::as_bytes(std::span(samples)));
  const Outcome outcome = run("ferry-viewer", {OneFrame::kStream, "--headless"});
  EXPECT_FALSE(outcome.status.clean());
  EXPECT_NE(outcome.errors.find("stream 'still' is NV12, which this viewer does not show: `ferry snapshot` converts it"),
            std::string::npos)
      << outcome;
}

}  // namespace
}  // namespace ferry::test
