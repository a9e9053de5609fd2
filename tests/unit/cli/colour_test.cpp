#include "client/cli/colour.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ferry::cli {
namespace {

void expect_near(Rgb actual, Rgb expected, float tolerance) {
  EXPECT_NEAR(actual.r, expected.r, tolerance);
  EXPECT_NEAR(actual.g, expected.g, tolerance);
  EXPECT_NEAR(actual.b, expected.b, tolerance);
}

TEST(HalfToFloat, DecodesEveryKindOfNumber) {
  EXPECT_EQ(half_to_float(0x0000), 0.0F);
  EXPECT_TRUE(std::signbit(half_to_float(0x8000)));
  EXPECT_EQ(half_to_float(0x3C00), 1.0F);
  EXPECT_EQ(half_to_float(0xC000), -2.0F);
  EXPECT_EQ(half_to_float(0x3555), 0.333251953125F);
  EXPECT_EQ(half_to_float(0x7BFF), 65504.0F);
  EXPECT_EQ(half_to_float(0x0400), std::ldexp(1.0F, -14));  // the smallest normal one
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0F, -24));  // the smallest of all
  EXPECT_EQ(half_to_float(0x83FF), -1023 * std::ldexp(1.0F, -24));
}

TEST(HalfToFloat, GivesASurrogateForWhatCannotBeShown) {
  EXPECT_EQ(half_to_float(0x7C00), 65504.0F);
  EXPECT_EQ(half_to_float(0xFC00), -65504.0F);
  EXPECT_EQ(half_to_float(0x7E00), 0.0F);
}

TEST(Srgb, MatchesTheStandardsPoints) {
  EXPECT_FLOAT_EQ(srgb_to_linear(0.0F), 0.0F);
  EXPECT_FLOAT_EQ(srgb_to_linear(1.0F), 1.0F);
  EXPECT_NEAR(srgb_to_linear(0.5F), 0.2140411F, 1e-6F);
  EXPECT_NEAR(srgb_to_linear(0.04045F), 0.0031308F, 1e-6F);
  EXPECT_NEAR(linear_to_srgb(0.18F), 0.4613561F, 1e-6F);
  EXPECT_NEAR(linear_to_srgb(0.0031308F), 0.0404499F, 1e-6F);
  EXPECT_NEAR(srgb_to_linear(-0.5F), -0.2140411F, 1e-6F);
}

TEST(Srgb, ComesBackForEveryByte) {
  for (int i = 0; i < 256; ++i) {
    EXPECT_EQ(std::lround(linear_to_srgb(srgb_to_linear(static_cast<float>(i) / 255)) * 255), i);
  }
}

TEST(Pq, MatchesReferencePoints) {
  EXPECT_NEAR(pq_to_nits(0.0F), 0.0F, 1e-4F);
  EXPECT_NEAR(pq_to_nits(0.5080784F), 100.0F, 0.05F);  // ITU-R BT.2408: 100 cd/m2
  EXPECT_NEAR(pq_to_nits(0.5806889F), 203.0F, 0.1F);   // diffuse white
  EXPECT_NEAR(pq_to_nits(0.7518271F), 1000.0F, 0.5F);
  EXPECT_NEAR(pq_to_nits(1.0F), 10000.0F, 1.0F);
}

TEST(Hlg, MatchesReferencePoints) {
  const Rgb luma{0.2627F, 0.6780F, 0.0593F};
  expect_near(hlg_to_nits({0, 0, 0}, luma), {0, 0, 0}, 1e-4F);
  expect_near(hlg_to_nits({1, 1, 1}, luma), {1000, 1000, 1000}, 1.0F);
  expect_near(hlg_to_nits({0.75F, 0.75F, 0.75F}, luma), {203, 203, 203}, 1.0F);  // BT.2408: diffuse white
  expect_near(hlg_to_nits({0.5F, 0.5F, 0.5F}, luma), {50.7F, 50.7F, 50.7F}, 0.5F);
}

TEST(ToLinearBt709, PutsDiffuseWhiteAtOne) {
  const Rgb pq_white{0.5806889F, 0.5806889F, 0.5806889F}, hlg_white{0.75F, 0.75F, 0.75F};
  expect_near(to_linear_bt709(pq_white, FERRY_TRANSFER_PQ, FERRY_PRIMARIES_BT2020), {1, 1, 1}, 2e-3F);
  expect_near(to_linear_bt709(hlg_white, FERRY_TRANSFER_HLG, FERRY_PRIMARIES_BT2020), {1, 1, 1}, 5e-3F);
  for (const auto primaries : {FERRY_PRIMARIES_BT709, FERRY_PRIMARIES_DISPLAY_P3, FERRY_PRIMARIES_BT2020}) {
    for (const auto transfer : {FERRY_TRANSFER_SRGB, FERRY_TRANSFER_LINEAR, FERRY_TRANSFER_GAMMA22}) {
      expect_near(to_linear_bt709({1, 1, 1}, transfer, primaries), {1, 1, 1}, 1e-5F);
    }
  }
}

TEST(ToLinearBt709, ConvertsPrimaries) {
  expect_near(to_linear_bt709({1, 0, 0}, FERRY_TRANSFER_LINEAR, FERRY_PRIMARIES_DISPLAY_P3),
              {1.2249F, -0.0421F, -0.0196F}, 1e-4F);
  // ITU-R BT.2087, the inverse of its matrix: pure BT.2020 green.
  expect_near(to_linear_bt709({0, 1, 0}, FERRY_TRANSFER_LINEAR, FERRY_PRIMARIES_BT2020), {-0.5876F, 1.1329F, -0.1006F},
              1e-4F);
  // What BT.709 red looks like in BT.2020 has to come back as red.
  expect_near(to_linear_bt709({0.6274F, 0.0691F, 0.0164F}, FERRY_TRANSFER_LINEAR, FERRY_PRIMARIES_BT2020), {1, 0, 0},
              1e-3F);
}

TEST(ToLinearBt709, AppliesGamma22) {
  expect_near(to_linear_bt709({0.5F, 0, 1}, FERRY_TRANSFER_GAMMA22, FERRY_PRIMARIES_BT709), {0.2176376F, 0, 1}, 1e-6F);
}

TEST(ToneMap, LeavesAPictureWithoutHighlightsAlone) {
  const ToneMap map(1.0F);
  for (const float v : {0.0F, 0.3F, 0.75F, 0.9F, 1.0F}) expect_near(map({v, v / 2, 0}), {v, v / 2, 0}, 1e-6F);
}

TEST(ToneMap, TakesThePeakToOneAndStaysMonotonic) {
  const ToneMap map(16.0F);
  expect_near(map({0.75F, 0.2F, -0.1F}), {0.75F, 0.2F, -0.1F}, 1e-6F);
  expect_near(map({16, 16, 16}), {1, 1, 1}, 1e-5F);
  float before = 0;
  for (float v = 0.05F; v <= 16; v += 0.05F) {
    const float now = map({v, v, v}).r;
    EXPECT_GT(now, before);
    before = now;
  }
}

TEST(ToneMap, KeepsHues) {
  const Rgb out = ToneMap(8.0F)({8, 4, 2});
  expect_near(out, {1, 0.5F, 0.25F}, 1e-5F);
}

}  // namespace
}  // namespace ferry::cli
