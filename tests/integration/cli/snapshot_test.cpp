// `ferry snapshot` of `ferry source`: the whole picture, in every format.

#include <fmt/format.h>

#include <cmath>
#include <ctime>

#include "tests/integration/cli/png_picture.h"
#include "tests/integration/cli/program_test.h"
#include "tests/integration/cli/source_pattern.h"

namespace ferry::test {
namespace {

// No edge of the pattern lies on the middle of a pixel, where each GPU rounds as it likes.
constexpr int kWidth = 480, kHeight = 272;

struct Format {
  const char* name;
  unsigned png_bits;
  double step;  ///< between two numbers of the format, where they lie farthest apart
};
void PrintTo(const Format& format, std::ostream* out) { *out << format.name; }

class SnapshotOf : public ProgramTest, public ::testing::WithParamInterface<Format> {};

std::string local_clock() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  tm local{};
  localtime_r(&now.tv_sec, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:03}", local.tm_hour, local.tm_min, local.tm_sec, now.tv_nsec / 1'000'000);
}

/// On the ring of a day: @p from, @p time, @p to in that order.
bool lies_between(const std::string& from, const std::string& time, const std::string& to) {
  return from <= to ? from <= time && time <= to : from <= time || time <= to;
}

TEST_P(SnapshotOf, IsThePictureThatTheSourceDraws) {
  const std::string file = files_.file("cam.png"), started = local_clock();
  auto source = start_source(
      "cam", {"--size", fmt::format("{}x{}", kWidth, kHeight), "--format", GetParam().name, "--rate", "20"});
  // Not one of the first frames, whose numbers have no digits to speak of.
  status_when([](const auto& status) { return stream_in(status, "cam")["frames"] > 12; }, 60s);
  const Outcome outcome = run("ferry", {"snapshot", "cam", file, "--timeout", "60"});
  ASSERT_TRUE(outcome.status.clean()) << outcome;

  const PngPicture picture(file);
  ASSERT_EQ(picture.width_px(), kWidth);
  ASSERT_EQ(picture.height_px(), kHeight);
  EXPECT_EQ(picture.channels(), 3u);
  EXPECT_EQ(picture.bits_per_sample(), GetParam().png_bits);
  const SourceMoment moment = SourceMoment::read_from(picture);
  EXPECT_GT(moment.number, 12u);
  EXPECT_TRUE(lies_between(started, moment.clock, local_clock())) << started << ", " << moment.clock;

  // Half a step is rounding. The moving line's place is read from the picture, and its tail as exact as that: another.
  const double tolerance = 1.25 * GetParam().step;
  int wrong = 0;
  std::string first;
  for (int y = 0; y < kHeight; ++y)
    for (int x = 0; x < kWidth; ++x) {
      const Rgb seen = picture.at(x, y), wanted = source_pixel(moment, kWidth, kHeight, x, y);
      bool same = true;
      for (std::size_t i = 0; i < 3; ++i) same = same && std::abs(seen[i] - wanted[i]) <= tolerance;
      if (!same && wrong++ == 0)
        first = fmt::format("({}, {}): {} {} {} instead of {} {} {}", x, y, seen[0], seen[1], seen[2], wanted[0],
                            wanted[1], wanted[2]);
    }
  EXPECT_EQ(wrong, 0) << "the first at " << first;
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, SnapshotOf,
                         ::testing::Values(Format{"rgba8", 8, 1 / 255.0}, Format{"rgba8_srgb", 8, 1 / 255.0},
                                           Format{"bgra8", 8, 1 / 255.0}, Format{"bgra8_srgb", 8, 1 / 255.0},
                                           Format{"rgb10a2", 16, 1 / 1023.0}, Format{"rgba16f", 16, 1 / 1023.0}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(ProgramTest, SnapshotGoesToStandardOutputToo) {
  auto source = start_source("cam", {"--size", "64x64"});
  const Outcome outcome = run("ferry", {"snapshot", "cam", "-", "--timeout", "60"});
  EXPECT_TRUE(outcome.status.clean()) << outcome.errors;
  EXPECT_TRUE(outcome.output.starts_with("\x89PNG")) << outcome.output.size() << " bytes";
}

}  // namespace
}  // namespace ferry::test
