#include "client/cli/yuv.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "client/cli/picture.h"

namespace ferry::cli {
namespace {

using Samples = std::vector<std::uint16_t>;

ferry_frame_metadata metadata(ferry_range range, ferry_primaries primaries = FERRY_PRIMARIES_BT709) {
  ferry_frame_metadata m{};
  m.range = static_cast<std::uint32_t>(range);
  m.primaries = static_cast<std::uint32_t>(primaries);
  return m;
}

/// A frame of 2x2 pixels of one colour, as code values.
template <class Sample>
Samples colour_of(ferry_format format, Sample y, Sample cb, Sample cr, const ferry_frame_metadata& m, unsigned shift = 0) {
  std::vector<Sample> samples{y, y, y, y, cb, cr};
  for (Sample& sample : samples) sample = static_cast<Sample>(sample << shift);
  const PixelView view{format, 2, 2, 2 * sizeof(Sample), std::as_bytes(std::span(samples))};
  const Picture picture = make_raw_picture(view, m);
  EXPECT_EQ(picture.channels, 3u);
  EXPECT_EQ(picture.samples.size(), 12u);
  for (std::size_t i = 3; i < picture.samples.size(); ++i) EXPECT_EQ(picture.samples[i], picture.samples[i % 3]);
  return {picture.samples.begin(), picture.samples.begin() + 3};
}

Samples nv12(std::uint8_t y, std::uint8_t cb, std::uint8_t cr, const ferry_frame_metadata& m) {
  return colour_of<std::uint8_t>(FERRY_FORMAT_NV12, y, cb, cr, m);
}
/// Ten bits, and what is made of them in ten.
Samples p010(std::uint16_t y, std::uint16_t cb, std::uint16_t cr, const ferry_frame_metadata& m) {
  Samples out = colour_of<std::uint16_t>(FERRY_FORMAT_P010, y, cb, cr, m, 6);
  for (auto& sample : out) sample = static_cast<std::uint16_t>((sample * 1023 + 32767) / 65535);
  return out;
}

void expect_near(const Samples& seen, const Samples& wanted, int tolerance) {
  ASSERT_EQ(seen.size(), wanted.size());
  for (std::size_t i = 0; i < seen.size(); ++i)
    EXPECT_LE(std::abs(seen[i] - wanted[i]), tolerance) << "component " << i << ": " << seen[i];
}

TEST(Yuv, LimitedRangeOfBt709) {
  const auto m = metadata(FERRY_RANGE_LIMITED);
  EXPECT_EQ(nv12(16, 128, 128, m), (Samples{0, 0, 0}));
  EXPECT_EQ(nv12(235, 128, 128, m), (Samples{255, 255, 255}));
  EXPECT_EQ(nv12(126, 128, 128, m), (Samples{128, 128, 128}));
  // The bars of ITU-R BT.709 as 8-bit video has them.
  expect_near(nv12(63, 102, 240, m), {255, 0, 0}, 1);
  expect_near(nv12(173, 42, 26, m), {0, 255, 0}, 1);
  expect_near(nv12(32, 240, 118, m), {0, 0, 255}, 1);
  EXPECT_EQ(nv12(0, 128, 128, m), (Samples{0, 0, 0})) << "below black";
}

TEST(Yuv, FullRangeOfBt709) {
  const auto m = metadata(FERRY_RANGE_FULL);
  EXPECT_EQ(nv12(0, 128, 128, m), (Samples{0, 0, 0}));
  EXPECT_EQ(nv12(255, 128, 128, m), (Samples{255, 255, 255}));
  EXPECT_EQ(nv12(100, 128, 128, m), (Samples{100, 100, 100}));
  expect_near(nv12(54, 99, 255, m), {255, 0, 0}, 1);
}

TEST(Yuv, DisplayP3IsSentByTheMatrixOfBt709) {
  const auto m = metadata(FERRY_RANGE_LIMITED, FERRY_PRIMARIES_DISPLAY_P3);
  expect_near(nv12(63, 102, 240, m), {255, 0, 0}, 1);
}

TEST(Yuv, TenBitsOfBt2020) {
  const auto m = metadata(FERRY_RANGE_LIMITED, FERRY_PRIMARIES_BT2020);
  EXPECT_EQ(p010(64, 512, 512, m), (Samples{0, 0, 0}));
  EXPECT_EQ(p010(940, 512, 512, m), (Samples{1023, 1023, 1023}));
  expect_near(p010(294, 387, 960, m), {1023, 0, 0}, 2);
  expect_near(p010(658, 189, 100, m), {0, 1023, 0}, 3);
  expect_near(p010(116, 960, 476, m), {0, 0, 1023}, 3);
}

/// Eight pixels in two rows, and a pair of chroma for each four of them: grey on the left, red on the right.
TEST(Yuv, EverySampleOfChromaColoursItsFourPixels) {
  const std::vector<std::uint8_t> samples{10, 20, 54, 54, 30, 40, 54, 54, 128, 128, 99, 255};
  const PixelView view{FERRY_FORMAT_NV12, 4, 2, 4, std::as_bytes(std::span(samples))};
  auto m = metadata(FERRY_RANGE_FULL);
  const Picture whole = make_picture(view, m);
  ASSERT_EQ(whole.samples.size(), 24u);
  for (const std::size_t grey : {0u, 1u, 4u, 5u}) {
    const std::uint16_t luma = samples[grey];
    EXPECT_EQ(Samples(&whole.samples[grey * 3], &whole.samples[grey * 3] + 3), (Samples{luma, luma, luma}));
  }
  for (const std::size_t red : {2u, 3u, 6u, 7u})
    expect_near(Samples(&whole.samples[red * 3], &whole.samples[red * 3] + 3), {255, 0, 0}, 1);

  m.crop = {1, 1, 2, 1};  // from the middle of one of them
  const Picture part = make_picture(view, m);
  ASSERT_EQ(part.width_px, 2u);
  ASSERT_EQ(part.height_px, 1u);
  EXPECT_EQ(Samples(part.samples.begin(), part.samples.begin() + 3), (Samples{40, 40, 40}));
  expect_near(Samples(part.samples.begin() + 3, part.samples.end()), {255, 0, 0}, 1);
}

TEST(Yuv, GivesAsManyBitsAsItHas) {
  const std::vector<std::uint16_t> samples(6);
  const PixelView ten{FERRY_FORMAT_P010, 2, 2, 4, std::as_bytes(std::span(samples))};
  EXPECT_EQ(make_picture(ten, metadata(FERRY_RANGE_FULL)).bits_per_sample, 16u);
  const PixelView eight{FERRY_FORMAT_NV12, 2, 2, 2, std::as_bytes(std::span(samples)).first(6)};
  EXPECT_EQ(make_picture(eight, metadata(FERRY_RANGE_FULL)).bits_per_sample, 8u);
}

}  // namespace
}  // namespace ferry::cli
