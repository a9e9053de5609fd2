#include "daemon/config.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

std::string error_of(std::string_view text) {
  const auto config = parse_config(text, "ferryd.toml");
  return config ? "" : config.error().message;
}

TEST(Config, AnEmptyFileIsTheDefaults) {
  const auto config = parse_config("", "ferryd.toml");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->log_level, "info");
  EXPECT_EQ(config->limits.max_sessions, Limits{}.max_sessions);
}

TEST(Config, ReadsEveryKindOfKey) {
  const auto config = parse_config(
      "socket = '/tmp/f.sock'\ndevice = 'llvm'\nlog_level = 'debug'\n[limits]\nmax_slots = 5\ntexture_memory_bytes = "
      "1048576\n",
      "ferryd.toml");
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->socket_path, "/tmp/f.sock");
  EXPECT_EQ(config->device, "llvm");
  EXPECT_EQ(config->log_level, "debug");
  EXPECT_EQ(config->limits.max_slots, 5u);
  EXPECT_EQ(config->limits.texture_memory_bytes, 1048576u);
}

TEST(Config, NamesKeyValueLimitAndLine) {
  EXPECT_EQ(error_of("[limits]\n\nmax_slots = 99\n"), "ferryd.toml:3: limits.max_slots = 99 is outside 3 to 64");
  EXPECT_EQ(error_of("[limits]\nmax_streams = -1\n"), "ferryd.toml:2: limits.max_streams = -1 is outside 1 to 65536");
}

TEST(Config, RefusesKeysThatAreNone) {
  EXPECT_EQ(error_of("sockett = 'x'\n"), "ferryd.toml:1: unknown key 'sockett'");
  EXPECT_EQ(error_of("[limits]\nmax_slotz = 4\n"), "ferryd.toml:2: unknown key 'limits.max_slotz'");
}

TEST(Config, RefusesValuesOfAnotherType) {
  EXPECT_EQ(error_of("socket = 7\n"), "ferryd.toml:1: socket is not a string");
  EXPECT_EQ(error_of("limits = 7\n"), "ferryd.toml:1: limits is not a table");
  EXPECT_EQ(error_of("[limits]\nmax_slots = 'many'\n"), "ferryd.toml:2: limits.max_slots is not an integer");
  EXPECT_EQ(error_of("[limits]\nmax_slots = 8.0\n"), "ferryd.toml:2: limits.max_slots is not an integer");
}

TEST(Config, RefusesALogLevelThatIsNone) {
  EXPECT_EQ(error_of("log_level = 'loud'\n"),
            "ferryd.toml:1: log_level = 'loud' is none of trace, debug, info, warn, error");
}

TEST(Config, SaysWhereTheSyntaxIsWrong) {
  EXPECT_EQ(error_of("device = 'a'\n[limits\n").rfind("ferryd.toml:2: ", 0), 0u);
}

TEST(Config, AFileThatIsNotThereIsNotFound) {
  const auto config = load_config("/nonexistent/ferryd.toml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().code, proto::ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ferry::daemon
