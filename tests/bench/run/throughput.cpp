// Frames a second when nobody waits for a frame's end before the next one begins, and how fast a paced stream may go
// before a consumer that wants every frame loses one.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

constexpr std::uint32_t kDepth = 2;

std::vector<Rival> rivals(const RunOptions& options) {
  const std::vector<std::string> every{"--mode", "every", "--policy", "block"};
  std::vector<Rival> all{
      {"raw", "raw"}, {"ferry", "ferry", every}, {"one process", "one-process"}, {"cpu", "cpu", every}};
  if (options.has_second_queue)
    all.push_back({"ferry transfer", "ferry", every, {"--second-queue", "transfer", "--read-on", "second"}, true});
  return all;
}

std::uint64_t frames_for(double seconds, double frames_per_second) {
  return static_cast<std::uint64_t>(std::clamp(seconds * frames_per_second, 10.0, 3000.0));
}

json unthrottled(const RunOptions& options, const std::string& size, test::BrokerProcess& broker) {
  struct Entry {
    std::unique_ptr<Pair> pair;
    std::vector<double> rates;
    std::vector<double> latency_us;
    double rate = 0;
    std::uint64_t wrong = 0;
  };
  std::vector<Entry> entries;
  for (const Rival& rival : rivals(options)) {
    Entry entry;
    entry.pair = std::make_unique<Pair>(rival, size, kDepth, broker);
    entry.rate = entry.pair->run(12, "free", kDepth).frames_per_second;
    entries.push_back(std::move(entry));
  }
  for (int round = 0; round < std::max(3, options.rounds / 2); ++round)
    for (std::size_t i = 0; i < entries.size(); ++i) {
      Entry& entry = entries[(i + static_cast<std::size_t>(round)) % entries.size()];
      const Stretch stretch = entry.pair->run(frames_for(options.round_seconds, entry.rate), "free", kDepth);
      entry.rates.push_back(stretch.frames_per_second);
      entry.latency_us.insert(entry.latency_us.end(), stretch.latency_us.begin(), stretch.latency_us.end());
      entry.wrong += stretch.wrong + stretch.skipped;
    }
  json rows = json::array();
  for (const Entry& entry : entries) {
    const double rate = percentile(entry.rates, 0.5);
    rows.push_back({{"rival", entry.pair->rival().name},
                    {"frames_per_second", rate},
                    {"rounds", entry.rates},
                    {"latency_us", summary(entry.latency_us)},
                    {"wrong_or_missing", entry.wrong}});
    fmt::print(stderr, "throughput {:>9} {:<16} {:>8.1f} frames/s, latency p50 {:.0f} us, {} wrong\n", size,
               entry.pair->rival().name, rate, percentile(entry.latency_us, 0.5), entry.wrong);
  }
  return rows;
}

/// The highest paced rate at which a consumer in mode `every` with policy drop misses nothing for a second.
json without_a_drop(const RunOptions& options, const std::string& size, double unthrottled_rate,
                    test::BrokerProcess& broker) {
  const std::vector<std::string> every{"--mode", "every", "--policy", "drop", "--queue-depth", "8"};
  Pair pair({"ferry", "ferry", every}, size, kDepth, broker);
  pair.run(12, "free", kDepth);
  json tried = json::array();
  for (double share = 1.0; share > 0.3; share -= 0.1) {
    const double rate = unthrottled_rate * share;
    const Stretch stretch = pair.run(frames_for(options.round_seconds * 2, rate), fmt::format("{:.3f}", rate), kDepth);
    tried.push_back({{"rate", rate}, {"skipped", stretch.skipped}, {"arrived_per_second", stretch.frames_per_second}});
    if (stretch.skipped == 0 && stretch.frames_per_second > 0.97 * rate) {
      fmt::print(stderr, "throughput {:>9} without a drop: {:.1f} frames/s\n", size, rate);
      return {{"frames_per_second", rate}, {"tried", tried}};
    }
  }
  return {{"frames_per_second", nullptr}, {"tried", tried}};
}

}  // namespace

json measure_throughput(const RunOptions& options) {
  json sizes = json::array();
  for (const std::string& size : options.sizes) {
    test::BrokerProcess broker(kWideLimits);
    json rows = unthrottled(options, size, broker);
    const double rate = rows[1]["frames_per_second"];
    sizes.push_back(
        {{"size", size}, {"rivals", rows}, {"without_a_drop", without_a_drop(options, size, rate, broker)}});
    options.keep(sizes);
  }
  return sizes;
}

}  // namespace ferry::bench
