#include "client/cli/options.h"

#include <gtest/gtest.h>

namespace ferry::cli {
namespace {

TEST(ParseSize, TakesWidthAndHeight) {
  EXPECT_EQ(parse_size("1920x1080"), (Size{1920, 1080}));
  EXPECT_EQ(parse_size("1X32768"), (Size{1, 32768}));
}

TEST(ParseSize, RefusesEverythingElse) {
  for (const char* text : {"", "x", "1920", "1920x", "x1080", "0x1", "1x0", "32769x1", "-1x5", "1.5x2", "1x2x3", " 1x2",
                           "99999999999999999999x1"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ParseFormat, TakesAllNamesInAnyCase) {
  EXPECT_EQ(parse_format("rgba8"), FERRY_FORMAT_RGBA8_UNORM);
  EXPECT_EQ(parse_format("RGBA8_srgb"), FERRY_FORMAT_RGBA8_SRGB);
  EXPECT_EQ(parse_format("bgra8"), FERRY_FORMAT_BGRA8_UNORM);
  EXPECT_EQ(parse_format("BGRA8_SRGB"), FERRY_FORMAT_BGRA8_SRGB);
  EXPECT_EQ(parse_format("rgb10a2"), FERRY_FORMAT_RGB10A2_UNORM);
  EXPECT_EQ(parse_format("RGBA16F"), FERRY_FORMAT_RGBA16_FLOAT);
  EXPECT_FALSE(parse_format(""));
  EXPECT_FALSE(parse_format("rgba"));
}

TEST(ParseRate, TakesRatesAndMax) {
  EXPECT_EQ(parse_rate("max"), 0.0);
  EXPECT_EQ(parse_rate("59.94"), 59.94);
  for (const char* text : {"", "0", "-1", "nan", "inf", "10001", "60Hz"}) EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(ParseCount, StartsAtOne) {
  EXPECT_EQ(parse_count("1"), 1u);
  EXPECT_EQ(parse_count("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "0", "-1", "+1", "1.0", "18446744073709551616"}) EXPECT_FALSE(parse_count(text)) << text;
}

TEST(ParseTimes, AreWithinADay) {
  EXPECT_EQ(parse_timeout("0"), 0.0);
  EXPECT_EQ(parse_timeout("86400"), 86400.0);
  EXPECT_FALSE(parse_timeout("86401"));
  EXPECT_FALSE(parse_timeout("-0.1"));
  EXPECT_FALSE(parse_timeout(""));
  EXPECT_EQ(parse_watch_period(""), 1.0);
  EXPECT_EQ(parse_watch_period("0.05"), 0.05);
  EXPECT_FALSE(parse_watch_period("0.04"));
}

TEST(ParseWords, KnowModesAndPolicies) {
  EXPECT_EQ(parse_sync_mode("auto"), FERRY_SYNC_AUTOMATIC);
  EXPECT_EQ(parse_sync_mode("timeline"), FERRY_SYNC_TIMELINE);
  EXPECT_EQ(parse_sync_mode("host"), FERRY_SYNC_HOST);
  EXPECT_EQ(parse_sync_mode("sync-fd"), FERRY_SYNC_FD);
  EXPECT_FALSE(parse_sync_mode("gpu"));
  EXPECT_EQ(parse_queue_policy("drop"), FERRY_QUEUE_DROP);
  EXPECT_EQ(parse_queue_policy("block"), FERRY_QUEUE_BLOCK);
  EXPECT_FALSE(parse_queue_policy(""));
}

}  // namespace
}  // namespace ferry::cli
