// `ferry snapshot` of light above white: tone-mapped as docs/cli.md says.

#include <algorithm>
#include <cmath>
#include <span>

#include "tests/integration/cli/one_frame.h"
#include "tests/integration/cli/png_picture.h"
#include "tests/integration/cli/program_test.h"

namespace ferry::test {
namespace {

constexpr std::uint32_t kWidth = 64, kHeight = 4;

double encoded(double light) { return light <= 0.0031308 ? light * 12.92 : 1.055 * std::pow(light, 1 / 2.4) - 0.055; }

/// What becomes of the brightest component of a pixel, in a picture that goes up to @p peak.
double tone_mapped(double brightest, double peak) {
  if (brightest <= 0.75 || peak <= 1) return brightest;
  const double x = (brightest - 0.75) / 0.25, w = (peak - 0.75) / 0.25;
  return 0.75 + 0.25 * x * (1 + x / (w * w)) / (1 + x);
}

class HdrSnapshot : public ProgramTest {
 protected:
  PngPicture snapshot() {
    const std::string file = files_.file("hdr.png");
    const Outcome outcome = run("ferry", {"snapshot", OneFrame::kStream, file, "--timeout", "60"});
    if (!outcome.status.clean()) ADD_FAILURE() << outcome;
    return PngPicture(file);
  }
};

TEST_F(HdrSnapshot, FloatsKeepTheirHuesAboveWhite) {
  // Light in sixteenths, which halves hold exactly: grey in the upper rows, orange in the lower ones.
  const auto light_at = [](std::uint32_t x, std::uint32_t y) {
    const double light = x / 16.0;
    return y < kHeight / 2 ? Rgb{light, light, light} : Rgb{light, light / 2, 0};
  };
  const auto half = [](double value) {
    if (value == 0) return std::uint16_t{0};
    int exponent = 0;
    const double mantissa = std::frexp(value, &exponent);  // 0.5 to 1
    return static_cast<std::uint16_t>((exponent + 14) << 10 | static_cast<int>((mantissa * 2 - 1) * 1024));
  };
  std::vector<std::uint16_t> halves;
  for (std::uint32_t y = 0; y < kHeight; ++y)
    for (std::uint32_t x = 0; x < kWidth; ++x) {
      for (const double c : light_at(x, y)) halves.push_back(half(c));
      halves.push_back(half(1));
    }
  const OneFrame frame(session(), {kWidth, kHeight, FERRY_FORMAT_RGBA16_FLOAT}, {.transfer = FERRY_TRANSFER_LINEAR},
                       std::as_bytes(std::span(halves)));
  const PngPicture picture = snapshot();
  ASSERT_EQ(picture.bits_per_sample(), 16u);
  constexpr double kPeak = (kWidth - 1) / 16.0;
  for (std::uint32_t y = 0; y < kHeight; ++y)
    for (std::uint32_t x = 0; x < kWidth; ++x) {
      const Rgb light = light_at(x, y), seen = picture.at(static_cast<int>(x), static_cast<int>(y));
      const double scale = light[0] == 0 ? 1 : tone_mapped(light[0], kPeak) / light[0];
      for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(seen[i], encoded(light[i] * scale), 1e-4) << x << ", " << y;
    }
}

TEST_F(HdrSnapshot, PqIsDecodedToLight) {
  // A grey ramp of 10 bits up to code 800: some 2,000 cd/m2.
  const auto code_at = [](std::uint32_t x) { return x * 800 / (kWidth - 1); };
  const auto light_of = [](std::uint32_t code) {  // ST 2084, in units of 203 cd/m2
    constexpr double m1 = 2610.0 / 16384, m2 = 2523.0 / 4096 * 128, c1 = 3424.0 / 4096, c2 = 2413.0 / 4096 * 32,
                     c3 = 2392.0 / 4096 * 32;
    const double power = std::pow(code / 1023.0, 1 / m2);
    return 10000.0 / 203 * std::pow(std::max(power - c1, 0.0) / (c2 - c3 * power), 1 / m1);
  };
  std::vector<std::uint32_t> words;
  for (std::uint32_t i = 0; i < kWidth * kHeight; ++i) {
    const std::uint32_t code = code_at(i % kWidth);
    words.push_back(3U << 30 | code << 20 | code << 10 | code);
  }
  const OneFrame frame(session(), {kWidth, kHeight, FERRY_FORMAT_RGB10A2_UNORM},
                       {.primaries = FERRY_PRIMARIES_BT2020, .transfer = FERRY_TRANSFER_PQ}, std::as_bytes(std::span(words)));
  const PngPicture picture = snapshot();
  const double peak = light_of(code_at(kWidth - 1));
  ASSERT_GT(peak, 5) << "no highlights";
  for (std::uint32_t y = 0; y < kHeight; ++y)
    for (std::uint32_t x = 0; x < kWidth; ++x) {
      const double wanted = encoded(tone_mapped(light_of(code_at(x)), peak));
      for (const double seen : picture.at(static_cast<int>(x), static_cast<int>(y)))
        EXPECT_NEAR(seen, wanted, 1e-3) << x << ", " << y;
    }
}

}  // namespace
}  // namespace ferry::test
