// Measures, and writes what it saw as JSON: ferry_bench --out FILE [latency next-step throughput cost growth attach
// wakeup wake-crowd host-wait flood]

#include <fmt/format.h>
#include <sys/utsname.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "ferry/ferry.h"
#include "tests/bench/gpu/device.h"
#include "tests/bench/run/measurements.h"

namespace ferry::bench {
namespace {

using nlohmann::json;

struct Measurement {
  const char* name;
  json (*run)(const RunOptions&);
};
constexpr Measurement kMeasurements[] = {
    {"latency", measure_latency}, {"next-step", measure_next_step},   {"throughput", measure_throughput},
    {"cost", measure_cost},       {"growth", measure_growth},         {"attach", measure_attach},
    {"wakeup", measure_wakeup},   {"wake-crowd", measure_wake_crowd}, {"host-wait", measure_host_wait},
    {"flood", measure_flood}};
const std::set<std::string> kGroups{"main", "queues", "priority", "batches", "pacing"};

bool has_queue(const char* kind) {
  try {
    const Device device({kind, {}});
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown";
}

json describe(int argc, char** argv) {
  const Device device({});
  utsname system{};
  ::uname(&system);
  const std::time_t now = std::time(nullptr);
  char date[32];
  std::strftime(date, sizeof date, "%Y-%m-%d", std::gmtime(&now));
  std::string command = "ferry_bench";
  for (int i = 1; i < argc; ++i) command += " " + std::string(argv[i]);
  return {{"date", date},
          {"device", device.name()},
          {"driver", device.driver()},
          {"software", device.is_software()},
          {"sync", device.exports_timelines() ? "timeline" : "host"},
          {"processor", processor()},
          {"processors", std::thread::hardware_concurrency()},
          {"kernel", system.release},
          {"ferry", ferry_version()},
          {"build", FERRY_BENCH_BUILD},
          {"command", command}};
}

int run(int argc, char** argv) {
  RunOptions options;
  std::vector<std::string> wanted;
  std::string out;
  double seconds = 0;
  CLI::App app("Measures what Ferry costs, beside its rivals");
  app.add_option("what", wanted, "measurements; none: all of them");
  app.add_option("--out", out, "JSON file")->required();
  app.add_option("--sizes", options.sizes, "WxH ...");
  app.add_option("--rivals", options.only_rivals, "of the latency measurement: only these; ratios are to the first");
  app.add_option("--groups", options.only_groups,
                 "only these: main, queues, priority (of latency), batches, pacing (of next-step)")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(CLI::IsMember(kGroups));
  app.add_option("--rounds", options.rounds);
  app.add_option("--frames", options.frames, "a round");
  app.add_option("--round-seconds", options.round_seconds, "a round of a slow rival ends then");
  app.add_option("--give-up-after", seconds, "start no further measurement after so many seconds; 0: do all");
  CLI11_PARSE(app, argc, argv);

  json result = describe(argc, argv);
  options.has_second_queue = has_queue("transfer");
  options.has_timelines = result["sync"] == "timeline";
  fmt::print(stderr, "{}\n", result.dump());
  const auto started = std::chrono::steady_clock::now();
  int failed = 0;
  for (const Measurement& measurement : kMeasurements) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), measurement.name) == wanted.end()) continue;
    if (seconds > 0 && std::chrono::steady_clock::now() - started > std::chrono::duration<double>(seconds)) {
      fmt::print(stderr, "{}: not run, no time left\n", measurement.name);
      continue;
    }
    options.keep = [&](const json& measured) {
      result[measurement.name] = measured;
      std::ofstream(out) << result.dump(1) << "\n";
    };
    try {
      options.keep(measurement.run(options));
      if (const std::uint64_t wrong = count_wrong_frames(result[measurement.name]); wrong > 0)
        throw std::runtime_error(fmt::format("{} frames were wrong", wrong));
    } catch (const std::exception& e) {
      fmt::print(stderr, "{}: FAILED: {}\n", measurement.name, e.what());
      result["failed"][measurement.name] = e.what();
      ++failed;
    }
  }
  std::ofstream(out) << result.dump(1) << "\n";
  return failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace ferry::bench

int main(int argc, char** argv) {
  try {
    return ferry::bench::run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "ferry_bench: {}\n", e.what());
  }
  return 1;
}
