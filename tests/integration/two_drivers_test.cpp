// Two makes of drivers on one machine: Mesa's and SwiftShader. What one draws the other sees, whole, or is told why not.

#include <array>

#include "proto/format.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_consumer.h"

namespace ferry::test {
namespace {

constexpr const char* kMesa = "llvmpipe";
constexpr const char* kSwiftShader = "SwiftShader";

/// As finish_and_check(), for a consumer that came while frames still crossed by a way that it cannot go: the library
/// counts those as skipped, and the consumer has never seen their numbers.
nlohmann::json finish_foreigner(ChildProcess& process) {
  const auto done = process.wait_report("done", 60s);
  EXPECT_TRUE(process.wait_exit(20s).clean()) << process.error_text();
  EXPECT_EQ(done["validation_errors"], 0) << done;
  EXPECT_TRUE(done["all_right"]) << done;
  return done;
}

struct Direction {
  const char* from;
  const char* to;
  proto::FormatInfo format;
};

void PrintTo(const Direction& direction, std::ostream* out) { *out << direction.from << " to " << direction.to; }

void produce(ChildProcess& producer, std::uint64_t count, std::uint64_t& published) {
  producer.send_command("produce " + std::to_string(count));
  published += count;
  const auto has_all = [&](const auto& report) { return report.value("frames", std::uint64_t{0}) == published; };
  producer.wait_report_if("frames", has_all, 60s);
}

class TwoDrivers : public StreamTest, public ::testing::WithParamInterface<Direction> {};

TEST_P(TwoDrivers, EveryFrameArrivesWhole) {
  for (const char* device : {GetParam().from, GetParam().to})
    if (const std::string lack = lack_of(GetParam().format, device); !lack.empty())
      GTEST_SKIP() << device << ": " << lack;
  const std::string format = ":" + std::string(GetParam().format.name);
  const bool is_yuv = GetParam().format.is_yuv();
  auto producer = start_producer({"--name", "cam", "--device", GetParam().from, "--size",
                                  (is_yuv ? "66x4" : "67x3") + format, "--policy", "block", "--rate", "0", "--paused"});
  auto consumer =
      start_consumer({"--name", "cam", "--device", GetParam().to, "--mode", "every", "--report-frames"});
  // What is published before the producer has moved over is nothing that a foreign consumer can see.
  std::uint64_t published = 0;
  do produce(producer, 1, published);
  while (producer.reports().back()["transport"] != "host-memory");
  const std::uint64_t first = published;
  consumer.wait_report("frame", 60s);
  produce(producer, 3, published);
  using Sizes = std::array<const char*, 3>;
  for (const char* size : is_yuv ? Sizes{"2x2", "4098x2160", "642x362"} : Sizes{"1x1", "4097x2160", "641x361"}) {
    producer.send_command("resize " + (size + format));
    produce(producer, 3, published);
  }
  consumer.wait_report_if(
      "the last frame", [&](const auto& report) { return report.value("sequence", std::uint64_t{0}) == published; }, 60s);
  consumer.send_command("stop");
  const auto done = finish_foreigner(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], published - first + 1) << done;
  const auto stream = stream_in(session().status(), "cam");
  EXPECT_EQ(stream["transport"], "host-memory") << stream;
  const std::string why = stream["transport_reason"];
  for (const char* part : {"opaque-fd needs equal UUIDs", "test_consumer", GetParam().from, GetParam().to})
    EXPECT_NE(why.find(part), std::string::npos) << why;
  stop_and_check(producer);
}

std::vector<Direction> directions() {
  std::vector<Direction> all;
  for (const auto& format : proto::kFormats) {
    all.push_back({kMesa, kSwiftShader, format});
    all.push_back({kSwiftShader, kMesa, format});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(BothWays, TwoDrivers, ::testing::ValuesIn(directions()), [](const auto& parameter) {
  return std::string(parameter.param.from) + "_" + std::string(parameter.param.format.name);
});

using JoiningStream = StreamTest;

TEST_F(JoiningStream, AForeignConsumerMovesEverybodyOverWithoutAFrameLost) {
  auto producer = start_producer({"--name", "cam", "--device", kMesa, "--size", "320x180:RGBA8", "--policy", "block",
                                  "--rate", "60"});
  // Blocking, and a recorder that wants all: it would miss a frame, or see a wrong one, if the change cost any.
  auto recorder = start_consumer({"--name", "cam", "--device", kMesa, "--mode", "every", "--report-frames"});
  recorder.wait_report("frame");
  EXPECT_EQ(stream_in(session().status(), "cam")["transport"], "opaque-fd");

  auto foreigner = start_consumer({"--name", "cam", "--device", kSwiftShader, "--frames", "30", "--report-frames"});
  const auto first = foreigner.wait_report("frame")["sequence"].get<std::uint64_t>();
  recorder.wait_report_if("frames after the change", [&](const auto& report) {
    return report.value("sequence", std::uint64_t{0}) > first + 30;
  });
  EXPECT_EQ(finish_foreigner(foreigner)["frames"], 30);
  const auto stream = stream_in(session().status(), "cam");
  EXPECT_EQ(stream["transport"], "host-memory") << stream;
  EXPECT_NE(stream["generation"]["reason"].get<std::string>().find("test_consumer"), std::string::npos) << stream;

  const auto seen = stop_and_check(recorder);
  EXPECT_EQ(seen["missing"], 0) << seen;
  const auto drawn = stop_and_check(producer);
  EXPECT_EQ(drawn["transport"], "host-memory") << drawn;
}

TEST_F(JoiningStream, AFormatThatOneDriverLacksIsToldByName) {
  const auto& nv12 = proto::format_info(proto::Format::kNv12);
  if (const std::string lack = lack_of(nv12, kSwiftShader); !lack.empty()) GTEST_SKIP() << lack;
  if (lack_of(nv12, kMesa).empty()) GTEST_SKIP() << "both drivers have NV12";
  auto producer = start_producer({"--name", "cam", "--device", kSwiftShader, "--size", "320x180:NV12"});
  Session foreign({.socket = broker_.socket(), .device = kMesa});
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "cam";
  info.timeout_ns = 20'000'000'000;
  ferry_consumer* consumer = nullptr;
  ASSERT_NE(ferry_consumer_attach(foreign.connection(), foreign.device(), &info, &consumer), FERRY_OK);
  const std::string text = ferry_last_error();
  for (const std::string& part : {std::string("device '") + foreign.device_info().name, std::string("format NV12")})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  // Whoever has it goes on seeing frames.
  auto native = start_consumer({"--name", "cam", "--device", kSwiftShader, "--frames", "10"});
  EXPECT_EQ(finish_foreigner(native)["frames"], 10);
  stop_and_check(producer);
}

TEST_F(JoiningStream, NothingInCommonIsToldWithBothLists) {
  auto producer = start_producer({"--name", "cam", "--device", kMesa, "--size", "320x180:RGBA8", "--transport",
                                  "opaque-fd"});
  Session foreign({.socket = broker_.socket(), .device = kSwiftShader});
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "cam";
  ferry_consumer* consumer = nullptr;
  ASSERT_EQ(ferry_consumer_attach(foreign.connection(), foreign.device(), &info, &consumer), FERRY_ERROR_INCOMPATIBLE);
  const std::string text = ferry_last_error();
  for (const char* part : {"stream 'cam'", "opaque-fd needs equal UUIDs", kSwiftShader, kMesa})
    EXPECT_NE(text.find(part), std::string::npos) << text;
  ferry_conflict conflict{};
  conflict.struct_size = FERRY_CONFLICT_SIZE;
  ASSERT_EQ(ferry_last_conflict(&conflict), FERRY_OK);
  EXPECT_NE(std::string(conflict.party).find("consumer"), std::string::npos) << conflict.party;
  EXPECT_STREQ(conflict.constraint, "device");
  EXPECT_EQ(text.find("alone"), std::string::npos) << "what the producer wants is no reason: " << text;
  EXPECT_NE(std::string(conflict.party_has), conflict.others_have);
  EXPECT_NE(std::string(conflict.party_has), "");
  EXPECT_EQ(std::string(ferry_last_error()), text) << "asking for the conflict must not change the error";

  info.name = "nobody";
  ASSERT_EQ(ferry_consumer_attach(foreign.connection(), foreign.device(), &info, &consumer), FERRY_ERROR_NOT_FOUND);
  EXPECT_EQ(ferry_last_conflict(&conflict), FERRY_ERROR_NOT_FOUND);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
