// Streams of YUV between processes, by every transport: every byte of every plane. A driver that lacks the format is told
// apart from one that carries it wrongly.

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

struct Way {
  proto::FormatInfo format;
  const char* transport;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.format.name << " by " << way.transport; }

const proto::FormatInfo& nv12() { return proto::format_info(proto::Format::kNv12); }

class YuvStream : public StreamTest, public ::testing::WithParamInterface<Way> {
 protected:
  void SetUp() override {
    const bool as_dma_buf = GetParam().transport == std::string("dma-buf");
    if (as_dma_buf) {
      const nlohmann::json transports = session().status()["broker"]["devices"][0]["transports"];
      if (std::find(transports.begin(), transports.end(), "dma-buf") == transports.end())
        GTEST_SKIP() << "no device of this machine shares dma-bufs";
    }
    if (const std::string lack = lack_of(GetParam().format, {}, as_dma_buf); !lack.empty()) GTEST_SKIP() << lack;
  }
  std::string format() const { return ":" + std::string(GetParam().format.name); }
};

TEST_P(YuvStream, CarriesEverySizeWhole) {
  auto producer = start_producer({"--name", "cam", "--size", "2x2" + format(), "--policy", "block", "--rate", "0",
                                  "--transport", GetParam().transport, "--paused", "--resize", "4=66x6" + format(),
                                  "--resize", "8=642x362" + format(), "--resize", "12=2x2" + format()});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "16"});
  publish_first_frame(producer, {&consumer});
  EXPECT_EQ(stream_in(session().status(), "cam")["transport"], GetParam().transport);
  producer.send_command("produce 15");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 16) << done;
  EXPECT_EQ(done["format"], static_cast<int>(GetParam().format.format));
  stop_and_check(producer);
}

TEST_P(YuvStream, ChangesFromRgbAndBack) {
  auto producer = start_producer({"--name", "cam", "--size", "64x48:RGBA8", "--policy", "block", "--rate", "0",
                                  "--transport", GetParam().transport, "--paused", "--resize", "3=64x48" + format(),
                                  "--resize", "6=67x3:BGRA8_SRGB"});
  auto consumer = start_consumer({"--name", "cam", "--mode", "every", "--report-frames", "--until-sequence", "9"});
  publish_first_frame(producer, {&consumer});
  producer.send_command("produce 8");
  const auto done = finish_and_check(consumer);
  EXPECT_EQ(done["missing"], 0) << done;
  EXPECT_EQ(done["frames"], 9) << done;
  stop_and_check(producer);
}

std::vector<Way> ways() {
  std::vector<Way> all;
  for (const auto& format : proto::kFormats)
    if (format.is_yuv())
      for (const char* transport : {"opaque-fd", "dma-buf", "host-memory"}) all.push_back({format, transport});
  return all;
}

INSTANTIATE_TEST_SUITE_P(EveryWay, YuvStream, ::testing::ValuesIn(ways()), [](const auto& parameter) {
  std::string name = std::string(parameter.param.format.name) + "_" + parameter.param.transport;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

class YuvRefusal : public StreamTest, public ::testing::WithParamInterface<std::uint32_t> {
 protected:
  /// What is said of a stream of NV12 in transport GetParam().
  std::string refusal(std::uint32_t width_px, std::uint32_t height_px, std::uint32_t usage,
                      std::int32_t expected_code = FERRY_ERROR_INVALID_ARGUMENT) {
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "cam";
    info.image = image_desc({width_px, height_px, FERRY_FORMAT_NV12});
    info.image.usage = usage;
    info.transport = GetParam();
    ferry_producer* producer = nullptr;
    const std::int32_t code = ferry_producer_create(session().connection(), session().device(), &info, &producer);
    if (code == FERRY_OK) {
      ferry_producer_destroy(producer);
      return "made";
    }
    EXPECT_EQ(code, expected_code);
    return ferry_last_error();
  }
};

TEST_P(YuvRefusal, NamesTheValueAndWhatTheFormatNeeds) {
  EXPECT_EQ(refusal(67, 4, 0), "width 67 px is no multiple of 2, as format NV12 needs it for stream 'cam'");
  EXPECT_EQ(refusal(66, 5, 0), "height 5 px is no multiple of 2, as format NV12 needs it for stream 'cam'");
  EXPECT_EQ(refusal(66, 4, FERRY_USAGE_RENDER),
            "format NV12 cannot have usage render for stream 'cam'");
}

TEST_P(YuvRefusal, NamesTheDeviceThatLacksTheFormat) {
  if (lack_of(nv12()).empty()) GTEST_SKIP() << session().device_info().name << " has NV12";
  // Anybody can allocate host memory: there it is the producer that cannot import it.
  const bool is_host_memory = GetParam() == FERRY_TRANSPORT_HOST_MEMORY;
  const std::string text =
      refusal(66, 4, 0, is_host_memory ? FERRY_ERROR_INCOMPATIBLE : FERRY_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(text.find(fmt::format("device '{}' does not support format NV12", session().device_info().name)),
            std::string::npos)
      << text;
}

INSTANTIATE_TEST_SUITE_P(Transports, YuvRefusal,
                         ::testing::Values(FERRY_TRANSPORT_AUTOMATIC, FERRY_TRANSPORT_OPAQUE_FD,
                                           FERRY_TRANSPORT_HOST_MEMORY));

}  // namespace
}  // namespace ferry::test
