// From wanting a stream to having its first frame, and what a resize costs those who watch.

#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "platform/clock.h"
#include "tests/bench/peer/client.h"
#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"

namespace ferry::bench {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

void take_one(ferry_consumer* consumer) {
  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  test::check(ferry_consumer_acquire(consumer, 30'000'000'000, &frame), "ferry_consumer_acquire");
  test::check(ferry_consumer_release(consumer, frame.sequence, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
}

/// @p size of a stream that shows a frame already.
json measure_size(const Device& device, const std::string& size) {
  constexpr int kTimes = 60, kColdTimes = 8;
  test::BrokerProcess broker(kWideLimits);
  test::ChildProcess producer(test::program_folder() + "/test_producer",
                              {"--socket", broker.socket(), "--name", "cam", "--size", size + ":RGBA8", "--paused",
                               "--no-validation", "--engine", "gpu"},
                              {{}, broker.folder().file("producer")});
  producer.wait_report("created", 60s);
  producer.send_command("produce 3");
  producer.wait_report_if(
      "idle", [](const json& report) { return report["report"] == "idle" && report["frames"] == 3; }, 60s);

  std::vector<double> attach_us, connect_us, cold_us;
  {
    const Client client(device, broker.socket());
    for (int i = 0; i < kTimes; ++i) {
      const std::int64_t start_ns = platform::now_ns();
      ferry_consumer* consumer = client.attach("cam");
      take_one(consumer);
      attach_us.push_back(us_since(start_ns));
      ferry_consumer_destroy(consumer);
    }
  }
  for (int i = 0; i < kTimes / 2; ++i) {
    const std::int64_t start_ns = platform::now_ns();
    const Client client(device, broker.socket());
    ferry_consumer* consumer = client.attach("cam");
    take_one(consumer);
    connect_us.push_back(us_since(start_ns));
    ferry_consumer_destroy(consumer);
  }
  for (int i = 0; i < kColdTimes; ++i) {
    const std::int64_t start_ns = platform::now_ns();
    test::ChildProcess consumer(test::program_folder() + "/test_consumer",
                                {"--socket", broker.socket(), "--name", "cam", "--no-validation", "--no-verify",
                                 "--frames", "1", "--report-frames"},
                                {{}, broker.folder().file("consumer" + std::to_string(i))});
    consumer.wait_report("frame", 60s);
    cold_us.push_back(us_since(start_ns));
    consumer.wait_exit(60s);
  }
  producer.send_command("stop");
  producer.wait_exit(60s);
  json row{{"size", size},
           {"attach_to_first_frame_us", summary(attach_us)},
           {"connect_to_first_frame_us", summary(connect_us)},
           {"process_start_to_first_frame_us", summary(cold_us)}};
  fmt::print(stderr, "attach {:>9}: warm {:.0f} us, with connect {:.0f} us, from the process's start {:.0f} us (p50)\n",
             size, percentile(attach_us, 0.5), percentile(connect_us, 0.5), percentile(cold_us, 0.5));
  return row;
}

json measure_resize(const Device& device) {
  constexpr int kRateHz = 60;
  constexpr std::uint64_t kFrames = 240;
  test::BrokerProcess broker(kWideLimits);
  std::vector<std::string> arguments{
      "--socket", broker.socket(),         "--name",          "cam",      "--size", "1280x720:RGBA8", "--paused",
      "--rate",   std::to_string(kRateHz), "--no-validation", "--engine", "gpu"};
  for (int frame = 40; frame < static_cast<int>(kFrames); frame += 40)
    arguments.insert(arguments.end(),
                     {"--resize", fmt::format("{}={}", frame, frame % 80 == 40 ? "1920x1080" : "1280x720")});
  test::ChildProcess producer(test::program_folder() + "/test_producer", arguments,
                              {{}, broker.folder().file("producer")});
  producer.wait_report("created", 60s);
  const Client client(device, broker.socket());
  ferry_consumer* consumer = client.attach("cam", FERRY_CONSUMER_EVERY);
  producer.send_command(fmt::format("produce {}", kFrames));
  std::uint64_t skipped = 0, last = 0, generation = 0;
  std::int64_t before_ns = 0;
  std::vector<double> steady_ms, at_resize_ms;
  while (last < kFrames) {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    test::check(ferry_consumer_acquire(consumer, 30'000'000'000, &frame), "ferry_consumer_acquire");
    const std::int64_t now_ns = platform::now_ns();
    const double gap_ms = static_cast<double>(now_ns - before_ns) / 1e6;
    if (last >= 10) (frame.generation == generation ? steady_ms : at_resize_ms).push_back(gap_ms);
    before_ns = now_ns;
    skipped += last == 0 ? 0 : frame.sequence - last - 1;
    last = frame.sequence;
    generation = frame.generation;
    test::check(ferry_consumer_release(consumer, frame.sequence, FERRY_RELEASE_UNUSED), "ferry_consumer_release");
  }
  ferry_consumer_destroy(consumer);
  producer.send_command("stop");
  producer.wait_exit(60s);
  json row{{"rate_hz", kRateHz},
           {"resizes", at_resize_ms.size()},
           {"frames_missed", skipped},
           {"gap_ms", summary(steady_ms)},
           {"gap_at_resize_ms", summary(at_resize_ms)}};
  fmt::print(stderr, "attach resize: {}\n", row.dump());
  return row;
}

}  // namespace

json measure_attach(const RunOptions&) {
  const Device device({});
  json rows = json::array();
  for (const char* size : {"640x360", "1920x1080", "3840x2160"}) rows.push_back(measure_size(device, size));
  return {{"sizes", rows}, {"resize", measure_resize(device)}};
}

}  // namespace ferry::bench
