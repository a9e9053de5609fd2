// What a frame takes of the processors: of the producer's process, the consumer's and the broker's, at a steady rate.

#include <fmt/format.h>

#include <cstdio>
#include <thread>

#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"
#include "tests/bench/run/process_stat.h"
#include "tests/support/system_call_trace.h"

namespace ferry::bench {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr int kRateHz = 60;
constexpr std::uint64_t kFrames = 240;

json per_frame(const json& usage, double frames) {
  json result;
  result["cpu_us"] = usage["cpu_ns"].get<double>() / 1000 / frames;
  for (const char* key : {"voluntary_switches", "involuntary_switches", "cache_misses"})
    result[key] = usage[key].is_null() ? json(nullptr) : json(usage[key].get<double>() / frames);
  return result;
}

/// System calls a frame, in a stretch of its own: strace slows everything down.
json count_system_calls(pid_t pid, Pair& pair, bool main_thread_alone = false) {
  if (const std::string why = test::SystemCallTrace::why_not(); !why.empty()) return why;
  pair.begin(kFrames, std::to_string(kRateHz), 1);
  std::this_thread::sleep_for(500ms);
  test::SystemCallTrace trace(pid);
  const auto settled = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() + 0.5;
  std::this_thread::sleep_for(2000ms);
  const auto calls = trace.finish();
  pair.finish();
  std::map<std::string, double> names;
  double last = settled, total = 0;
  for (const auto& call : calls) {
    if (call.time_s < settled || (main_thread_alone && call.thread != pid)) continue;
    last = call.time_s;
    ++total;
    ++names[call.name()];
  }
  // Over the time that was watched, at the rate of the stream.
  const double frames = std::max(1.0, (total == 0 ? 1.5 : last - settled) * kRateHz);
  json by_name = json::object();
  for (const auto& [name, count] : names) by_name[name] = count / frames;
  return {{"total", total / frames}, {"by_name", by_name}};
}

json measure_rival(const Rival& rival, const std::string& size) {
  test::BrokerProcess broker(kWideLimits);
  Pair pair(rival, size, 1, broker);
  const Stretch first = pair.run(30, std::to_string(kRateHz), 1);
  const ProcessStat before = stat_of(broker.pid());
  const Stretch stretch = pair.run(kFrames, std::to_string(kRateHz), 1);
  const ProcessStat after = stat_of(broker.pid());
  const auto read = static_cast<double>(stretch.frames);
  const auto made = static_cast<double>(stretch.frames + stretch.skipped);
  json row{{"rival", rival.name},
           {"size", size},
           {"rate_hz", kRateHz},
           {"frames", stretch.frames},
           {"skipped", stretch.skipped},
           {"first_frames_us", first.latency_us},
           {"latency_us", summary(stretch.latency_us)},
           {"slowest", json::array()},
           {"producer", per_frame(stretch.producer_usage, made)},
           {"consumer", per_frame(stretch.consumer_usage, read)}};
  for (std::size_t i = 0; i < stretch.latency_us.size(); ++i)
    if (stretch.latency_us[i] > 3 * percentile(stretch.latency_us, 0.5) && row["slowest"].size() < 10)
      row["slowest"].push_back({{"frame", i}, {"us", stretch.latency_us[i]}});
  if (rival.kind == "ferry") {
    row["producer"]["library_allocations"] = static_cast<double>(stretch.producer_allocations) / made;
    row["consumer"]["library_allocations"] = static_cast<double>(stretch.consumer_allocations) / read;
    row["broker"] = {{"cpu_us", static_cast<double>(after.cpu_ns - before.cpu_ns) / 1000 / made},
                     {"wake_ups", after.main_thread_switches - before.main_thread_switches},
                     {"wake_ups_of_all_threads", after.voluntary_switches - before.voluntary_switches}};
  }
  row["producer"]["system_calls"] = count_system_calls(pair.producer_pid(), pair);
  row["consumer"]["system_calls"] = count_system_calls(pair.consumer_pid(), pair);
  if (rival.kind == "ferry") row["broker"]["system_calls"] = count_system_calls(broker.pid(), pair, true);
  fmt::print(stderr, "cost {:>9} {:<10} producer {:.0f} us, consumer {:.0f} us of processor a frame, broker {}\n", size,
             rival.name, row["producer"]["cpu_us"].get<double>(), row["consumer"]["cpu_us"].get<double>(),
             row.contains("broker") ? row["broker"].dump() : "-");
  return row;
}

}  // namespace

json measure_cost(const RunOptions& options) {
  json rows = json::array();
  for (const std::string& size : options.sizes) {
    if (size == "1280x720" || size == "7680x4320") continue;  // two sizes say how it grows
    for (const Rival& rival : {Rival{"ferry", "ferry"}, Rival{"raw", "raw"}, Rival{"cpu", "cpu"}})
      rows.push_back(measure_rival(rival, size));
  }
  return rows;
}

}  // namespace ferry::bench
