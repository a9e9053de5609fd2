#include "client/cli/picture.h"

#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <initializer_list>
#include <vector>

namespace ferry::cli {
namespace {

/// A frame of a few pixels, each given as the words it is stored in.
template <class Word>
class TestFrame {
 public:
  TestFrame(ferry_format format, std::uint32_t width_px, std::vector<Word> words) : words_(std::move(words)) {
    view_.format = format;
    view_.width_px = width_px;
    view_.stride_bytes = width_px * bytes_per_pixel(format);
    view_.bytes = std::as_bytes(std::span(words_));
    view_.height_px = static_cast<std::uint32_t>(view_.bytes.size() / view_.stride_bytes);
  }
  const PixelView& view() const { return view_; }

 private:
  std::vector<Word> words_;
  PixelView view_;
};

using Bytes = TestFrame<std::uint8_t>;
using Halves = TestFrame<std::uint16_t>;
using Words = TestFrame<std::uint32_t>;
using Samples = std::vector<std::uint16_t>;

ferry_frame_metadata metadata(ferry_transfer transfer = FERRY_TRANSFER_SRGB, ferry_alpha alpha = FERRY_ALPHA_OPAQUE) {
  ferry_frame_metadata m{};
  m.transfer = transfer;
  m.alpha = alpha;
  return m;
}

constexpr std::uint32_t rgb10a2(std::uint32_t r, std::uint32_t g, std::uint32_t b, std::uint32_t a) {
  return r | g << 10 | b << 20 | a << 30;
}

// ---- formats ------------------------------------------------------------------------------------------------------

TEST(MakePicture, PassesSrgbBytesThrough) {
  for (const auto format : {FERRY_FORMAT_RGBA8_UNORM, FERRY_FORMAT_RGBA8_SRGB}) {
    for (int i = 0; i < 256; ++i) {
      const auto v = static_cast<std::uint8_t>(i);
      const Bytes frame(format, 1, {v, static_cast<std::uint8_t>(255 - i), 7, 99});
      EXPECT_EQ(make_picture(frame.view(), metadata()).samples, (Samples{v, static_cast<std::uint16_t>(255 - i), 7}));
    }
  }
}

TEST(MakePicture, SwapsBlueAndRedOfBgra) {
  for (const auto format : {FERRY_FORMAT_BGRA8_UNORM, FERRY_FORMAT_BGRA8_SRGB}) {
    const Bytes frame(format, 1, {10, 20, 30, 40});
    EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_SRGB, FERRY_ALPHA_STRAIGHT)).samples,
              (Samples{30, 20, 10, 40}));
  }
}

TEST(MakePicture, EncodesLinearBytes) {
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 1, {0, 46, 255, 255});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_LINEAR)).samples, (Samples{0, 118, 255}));
}

TEST(MakePicture, DecodesGamma22) {
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 1, {0, 128, 255, 255});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_GAMMA22)).samples, (Samples{0, 129, 255}));
}

TEST(MakePicture, IgnoresAContradictoryTransferOfAnSrgbFormat) {
  const Bytes frame(FERRY_FORMAT_RGBA8_SRGB, 1, {0, 46, 255, 255});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_LINEAR)).samples, (Samples{0, 46, 255}));
}

TEST(MakePicture, Writes16BitsForTenBits) {
  const Words frame(FERRY_FORMAT_RGB10A2_UNORM, 1, {rgb10a2(0, 512, 1023, 3)});
  const Picture picture = make_picture(frame.view(), metadata(FERRY_TRANSFER_SRGB, FERRY_ALPHA_STRAIGHT));
  EXPECT_EQ(picture.bits_per_sample, 16u);
  EXPECT_EQ(picture.samples, (Samples{0, 32800, 65535, 65535}));
}

TEST(MakePicture, ReadsTwoBitsOfAlpha) {
  const Words frame(FERRY_FORMAT_RGB10A2_UNORM, 1, {rgb10a2(1023, 0, 0, 1)});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_SRGB, FERRY_ALPHA_STRAIGHT)).samples,
            (Samples{65535, 0, 0, 21845}));
}

TEST(MakePicture, EncodesLinearFloats) {
  const Halves frame(FERRY_FORMAT_RGBA16_FLOAT, 1, {0x0000, 0x3800, 0x3C00, 0x3C00});  // 0, 0.5, 1
  const Picture picture = make_picture(frame.view(), metadata(FERRY_TRANSFER_LINEAR));
  EXPECT_EQ(picture.bits_per_sample, 16u);
  EXPECT_EQ(picture.samples, (Samples{0, 48192, 65535}));  // 0.735357
}

TEST(MakePicture, MapsHighlightsOfFloats) {
  const Halves frame(FERRY_FORMAT_RGBA16_FLOAT, 2,
                     {0x4C00, 0x4C00, 0x4C00, 0x3C00,    // 16: the peak becomes white
                      0x3800, 0x3800, 0x3800, 0x3C00});  // 0.5: below the knee
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_LINEAR)).samples,
            (Samples{65535, 65535, 65535, 48192, 48192, 48192}));
}

TEST(MakePicture, SurvivesNumbersThatAreNone) {
  const Halves frame(FERRY_FORMAT_RGBA16_FLOAT, 1, {0x7E00, 0xFC00, 0x7C00, 0x7E00});  // NaN, -inf, inf, NaN
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_LINEAR)).samples, (Samples{0, 0, 65535}));
}

TEST(MakePicture, ShowsDiffuseWhiteOfPqAsWhite) {
  const auto code = static_cast<std::uint32_t>(0.5806889 * 1023 + 0.5);
  const Words frame(FERRY_FORMAT_RGB10A2_UNORM, 1, {rgb10a2(code, code, code, 3)});
  auto m = metadata(FERRY_TRANSFER_PQ);
  m.primaries = FERRY_PRIMARIES_BT2020;
  for (const std::uint16_t sample : make_picture(frame.view(), m).samples) EXPECT_NEAR(sample, 65535, 200);
}

TEST(MakePicture, BringsPqHighlightsIntoRange) {
  const auto white = static_cast<std::uint32_t>(0.5806889 * 1023 + 0.5);
  const Words frame(FERRY_FORMAT_RGB10A2_UNORM, 2, {rgb10a2(white, white, white, 3), rgb10a2(1023, 1023, 1023, 3)});
  const Picture picture = make_picture(frame.view(), metadata(FERRY_TRANSFER_PQ));
  EXPECT_NEAR(picture.samples[0], 61600, 400);  // white made room for 10000 cd/m2: 0.876 of light
  EXPECT_EQ(picture.samples[3], 65535);
}

TEST(MakePicture, ConvertsWidePrimaries) {
  // sRGB red, written in Display P3's numbers: 0.9175, 0.2003, 0.1386.
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 1, {234, 51, 35, 255});
  auto m = metadata();
  m.primaries = FERRY_PRIMARIES_DISPLAY_P3;
  const Samples samples = make_picture(frame.view(), m).samples;
  EXPECT_NEAR(samples[0], 255, 1);
  EXPECT_NEAR(samples[1], 0, 8);
  EXPECT_NEAR(samples[2], 0, 8);
}

// ---- range and alpha -----------------------------------------------------------------------------------------------

TEST(MakePicture, StretchesLimitedRange) {
  auto m = metadata();
  m.range = FERRY_RANGE_LIMITED;
  const Bytes bytes(FERRY_FORMAT_RGBA8_UNORM, 1, {16, 235, 255, 255});
  EXPECT_EQ(make_picture(bytes.view(), m).samples, (Samples{0, 255, 255}));
  const Words ten(FERRY_FORMAT_RGB10A2_UNORM, 1, {rgb10a2(64, 940, 502, 3)});
  EXPECT_EQ(make_picture(ten.view(), m).samples, (Samples{0, 65535, 32768}));
}

TEST(MakePicture, HasNoAlphaWhenOpaque) {
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 1, {1, 2, 3, 0});
  EXPECT_EQ(make_picture(frame.view(), metadata()).channels, 3u);
}

TEST(MakePicture, DividesPremultipliedNumbersAsStored) {
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 2, {64, 128, 0, 128, 9, 9, 9, 0});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_SRGB, FERRY_ALPHA_PREMULTIPLIED)).samples,
            (Samples{128, 255, 0, 128, 0, 0, 0, 0}));
}

TEST(MakePicture, DividesSrgbFormatsInLinearLight) {
  // White at half cover, blended by the GPU: 0.502 of light is sRGB 188.
  const Bytes frame(FERRY_FORMAT_RGBA8_SRGB, 1, {188, 188, 0, 128});
  EXPECT_EQ(make_picture(frame.view(), metadata(FERRY_TRANSFER_SRGB, FERRY_ALPHA_PREMULTIPLIED)).samples,
            (Samples{255, 255, 0, 128}));
}

// ---- crop and orientation ------------------------------------------------------------------------------------------

/// Pixels 0 1 2 / 3 4 5, told by their red.
Samples reds_of(ferry_orientation orientation, ferry_rect crop = {}) {
  std::vector<std::uint8_t> bytes;
  for (std::uint8_t i = 0; i < 6; ++i) bytes.insert(bytes.end(), {i, 0, 0, 255});
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 3, bytes);
  auto m = metadata();
  m.orientation = orientation;
  m.crop = crop;
  const Picture picture = make_picture(frame.view(), m);
  EXPECT_EQ(picture.samples.size(), std::size_t{picture.width_px} * picture.height_px * 3);
  Samples reds;
  for (std::size_t i = 0; i < picture.samples.size(); i += 3) reds.push_back(picture.samples[i]);
  reds.push_back(static_cast<std::uint16_t>(picture.width_px));
  return reds;
}

// The last number is the width. EXIF: where the stored first row and first column are to be shown.
TEST(MakePicture, TurnsEveryOrientationUpright) {
  EXPECT_EQ(reds_of(ferry_orientation{}), (Samples{0, 1, 2, 3, 4, 5, 3}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_NORMAL), (Samples{0, 1, 2, 3, 4, 5, 3}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_MIRRORED), (Samples{2, 1, 0, 5, 4, 3, 3}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_ROTATED_180), (Samples{5, 4, 3, 2, 1, 0, 3}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_FLIPPED), (Samples{3, 4, 5, 0, 1, 2, 3}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_TRANSPOSED), (Samples{0, 3, 1, 4, 2, 5, 2}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_ROTATED_90), (Samples{3, 0, 4, 1, 5, 2, 2}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_TRANSVERSED), (Samples{5, 2, 4, 1, 3, 0, 2}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_ROTATED_270), (Samples{2, 5, 1, 4, 0, 3, 2}));
}

TEST(MakePicture, CropsBeforeItTurns) {
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_NORMAL, {1, 0, 2, 2}), (Samples{1, 2, 4, 5, 2}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_ROTATED_90, {1, 0, 2, 1}), (Samples{1, 2, 1}));
  EXPECT_EQ(reds_of(FERRY_ORIENTATION_NORMAL, {2, 1, 1, 1}), (Samples{5, 1}));
}

// ---- raw -----------------------------------------------------------------------------------------------------------

TEST(MakeRawPicture, KeepsTheStoredNumbers) {
  const Bytes frame(FERRY_FORMAT_BGRA8_UNORM, 2, {64, 128, 0, 128, 16, 16, 16, 255});
  auto m = metadata(FERRY_TRANSFER_LINEAR, FERRY_ALPHA_PREMULTIPLIED);
  m.orientation = FERRY_ORIENTATION_MIRRORED;
  m.range = FERRY_RANGE_LIMITED;
  m.crop = {1, 0, 1, 1};
  const Picture picture = make_raw_picture(frame.view(), m);
  EXPECT_EQ(picture.samples, (Samples{0, 128, 64, 128, 16, 16, 16, 255}));
  EXPECT_EQ(picture.colour, PictureColour::kLinear);
}

TEST(MakeRawPicture, SaysWhatTheNumbersMean) {
  const Bytes frame(FERRY_FORMAT_RGBA8_UNORM, 1, {0, 0, 0, 0});
  EXPECT_EQ(make_raw_picture(frame.view(), metadata()).colour, PictureColour::kSrgb);
  EXPECT_EQ(make_raw_picture(frame.view(), metadata(FERRY_TRANSFER_PQ)).colour, PictureColour::kUnspecified);
  EXPECT_EQ(make_raw_picture(frame.view(), metadata(FERRY_TRANSFER_GAMMA22)).colour, PictureColour::kGamma22);
  auto wide = metadata();
  wide.primaries = FERRY_PRIMARIES_DISPLAY_P3;
  EXPECT_EQ(make_raw_picture(frame.view(), wide).colour, PictureColour::kSrgbWide);
}

}  // namespace
}  // namespace ferry::cli
