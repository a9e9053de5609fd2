#pragma once
// What ferry_bench measures. Each answers with JSON; all of them print their progress to standard error.

#include <algorithm>
#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ferry::bench {

struct RunOptions {
  std::vector<std::string> sizes{"1280x720", "1920x1080", "3840x2160", "7680x4320"};
  int rounds = 10;             ///< of each rival, in turns, so that a busy moment meets all of them
  int frames = 100;            ///< a round
  double round_seconds = 1.0;  ///< a slow rival's round ends earlier
  std::vector<std::string> only_rivals{};
  std::vector<std::string> only_groups{};  ///< of the ways of latency and next-step; none: all
  bool has_second_queue = false;  ///< a queue for transfers alone
  bool has_timelines = false;     ///< semaphores that cross processes
  bool wants(const std::string& group) const {
    return only_groups.empty() || std::find(only_groups.begin(), only_groups.end(), group) != only_groups.end();
  }
  /// Keeps what a measurement has so far: what was measured is not lost when the rest takes too long.
  std::function<void(const nlohmann::json&)> keep = [](const nlohmann::json&) {};
};

nlohmann::json measure_latency(const RunOptions& options);
/// What might avoid or hide the GPU's switch between two processes: frames in batches, readings at chosen moments.
nlohmann::json measure_next_step(const RunOptions& options);
/// Frames in what a measurement answered that were not what their number says, of all ways but the one that promises
/// nothing.
std::uint64_t count_wrong_frames(const nlohmann::json& measured);
nlohmann::json measure_throughput(const RunOptions& options);
nlohmann::json measure_cost(const RunOptions& options);
nlohmann::json measure_growth(const RunOptions& options);
nlohmann::json measure_attach(const RunOptions& options);
nlohmann::json measure_wakeup(const RunOptions& options);
nlohmann::json measure_wake_crowd(const RunOptions& options);
nlohmann::json measure_host_wait(const RunOptions& options);
nlohmann::json measure_flood(const RunOptions& options);

}  // namespace ferry::bench
