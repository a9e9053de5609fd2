// From the producer's submit to the consumer's completed read, frame after frame, in lock-step.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

constexpr const char* kUnsynced = "unsynced";  // one image, and nobody waits for anybody: torn frames are its price

constexpr const char* kFloor = "raw";

/// Ways that run in turns. Few at once: what waits for its turn still has a context on the GPU, and drivers refuse some
/// (on one GPU, queues of priority realtime beside 28 such processes).
struct Group {
  const char* name;
  std::vector<Rival> rivals;
};

/// In the order of the report.
std::vector<Group> groups() {
  const std::vector<std::string> transfer{"--second-queue", "transfer", "--read-on", "second"};
  const std::vector<std::string> compute{"--second-queue", "compute", "--read-on", "second"};
  const std::vector<std::string> ring{"--second-queue", "transfer", "--read-on", "ring"};
  const auto at_priority = [](const char* priority) { return std::vector<std::string>{"--priority", priority}; };
  return {{"main",
           {{kFloor, "raw"},
            {"ferry", "ferry"},
            {"one process", "one-process"},
            {"cpu", "cpu"},
            {kUnsynced, "unsynced"},
            {"lock", "lock"}}},
          {"queues",
           {{"raw transfer", "raw", {}, transfer, true},
            {"ferry transfer", "ferry", {}, transfer, true},
            {"ferry ring", "ferry", {}, ring, true},
            {"raw compute", "raw", {}, compute, true},
            {"ferry compute", "ferry", {}, compute, true},
            {"raw early", "raw-early", {}, {}, false, true}}},
          {"priority",
           {{"raw high", "raw", at_priority("high"), {}, true},
            {"ferry high", "ferry", at_priority("high"), {}, true},
            {"raw realtime", "raw", at_priority("realtime"), {}, true},
            {"raw consumer high", "raw", {}, at_priority("high"), true}}}};
}

bool wanted(const RunOptions& options, const Rival& rival) {
  if (rival.needs_second_queue && !options.has_second_queue) return false;
  if (rival.needs_timelines && !options.has_timelines) return false;
  return options.only_rivals.empty() ||
         std::find(options.only_rivals.begin(), options.only_rivals.end(), rival.name) != options.only_rivals.end();
}

struct Entry {
  std::unique_ptr<Pair> pair;
  std::uint64_t frames_a_round = 0;
  std::vector<double> all_us, round_p50, round_p99;
  std::uint64_t wrong = 0, compared_whole = 0, wrong_whole = 0;
};

/// The floor and Ferry draw into as many images, or their caches are not to be compared.
void check_slots(const Rival& rival, std::uint32_t slots, std::uint32_t& expected) {
  if (slots == 0) return;
  if (expected == 0) expected = slots;
  if (slots != expected)
    throw std::runtime_error(fmt::format("{} draws into {} images in turn, {} into {}: no fair comparison", rival.name, slots,
                                         kFloor, expected));
}

/// The ways of @p group that are there, and the floor with them, which is @p result's only where it belongs to the group.
void measure_group(const RunOptions& options, const std::string& size, std::vector<Rival> group, json& result) {
  const bool has_floor = group.front().name == kFloor;
  std::erase_if(group, [&](const Rival& rival) { return !wanted(options, rival); });
  if (group.empty()) return;
  if (!has_floor && (options.only_rivals.empty() || wanted(options, {kFloor, "raw"}))) group.insert(group.begin(), {kFloor, "raw"});
  test::BrokerProcess broker(kWideLimits);
  std::vector<Entry> entries;
  std::uint32_t slots = 0;
  for (const Rival& rival : group) {
    try {
      Entry entry;
      entry.pair = std::make_unique<Pair>(rival, size, 1, broker);
      const Stretch warm = entry.pair->run(8, "lockstep", 1, 4);
      check_slots(rival, warm.slots, slots);
      const double frame_s = 1 / std::max(warm.frames_per_second, 0.1);
      entry.frames_a_round = static_cast<std::uint64_t>(
          std::clamp(options.round_seconds / frame_s, 5.0, static_cast<double>(options.frames)));
      entry.compared_whole = warm.compared_whole;
      entry.wrong_whole = warm.wrong_whole;
      entries.push_back(std::move(entry));
    } catch (const std::exception& e) {
      result["refused"][rival.name] = e.what();
      fmt::print(stderr, "latency {} {}: {}\n", size, rival.name, e.what());
    }
  }
  for (int round = 0; round < options.rounds; ++round)
    for (std::size_t i = 0; i < entries.size(); ++i) {
      // Who comes after whom changes with every round.
      Entry& entry = entries[(i + static_cast<std::size_t>(round)) % entries.size()];
      const Stretch stretch = entry.pair->run(entry.frames_a_round, "lockstep", 1);
      entry.all_us.insert(entry.all_us.end(), stretch.latency_us.begin(), stretch.latency_us.end());
      entry.round_p50.push_back(percentile(stretch.latency_us, 0.5));
      entry.round_p99.push_back(percentile(stretch.latency_us, 0.99));
      entry.wrong += stretch.wrong;
    }

  for (const Entry& entry : entries) {
    if (entry.pair->rival().name == kFloor && !has_floor) continue;
    std::vector<double> ratios;
    for (std::size_t i = 0; i < entry.round_p50.size(); ++i)
      ratios.push_back(entry.round_p50[i] / entries.front().round_p50[i]);
    json row = summary(entry.all_us);
    row["rival"] = entry.pair->rival().name;
    row["sync"] = entry.pair->about()["sync"];
    row["round_p50"] = entry.round_p50;
    row["p50_ratio_to_first"] = percentile(ratios, 0.5);
    row["p99_ratio_to_first"] =
        percentile(entry.all_us, 0.99) / std::max(1.0, percentile(entries.front().all_us, 0.99));
    row["wrong_frames"] = entry.wrong;
    row["compared_whole"] = entry.compared_whole;
    row["wrong_whole"] = entry.wrong_whole;
    fmt::print(stderr,
               "latency {:>9} {:<18} p50 {:>9.1f} p90 {:>9.1f} p99 {:>9.1f} max {:>9.1f} us, x{:.3f}, {} of {} wrong\n",
               size, entry.pair->rival().name, row["p50"].get<double>(), row["p90"].get<double>(),
               row["p99"].get<double>(), row["max"].get<double>(), row["p50_ratio_to_first"].get<double>(), entry.wrong,
               entry.all_us.size());
    result["rivals"].push_back(row);
  }
}

json measure_size(const RunOptions& options, const std::string& size) {
  json result{{"size", size}, {"rivals", json::array()}, {"refused", json::object()}};
  for (const Group& group : groups())
    if (options.wants(group.name)) measure_group(options, size, group.rivals, result);
  return result;
}

}  // namespace

json measure_latency(const RunOptions& options) {
  json sizes = json::array();
  for (const std::string& size : options.sizes) {
    sizes.push_back(measure_size(options, size));
    options.keep(sizes);
  }
  return sizes;
}

std::uint64_t count_wrong_frames(const json& measured) {
  std::uint64_t wrong = 0;
  if (measured.is_object() && measured.contains("wrong_frames")) {
    if (measured.value("rival", "") != kUnsynced)
      wrong += measured["wrong_frames"].get<std::uint64_t>() + measured.value("wrong_whole", std::uint64_t{0});
  } else if (measured.is_structured()) {
    for (const json& part : measured) wrong += count_wrong_frames(part);
  }
  return wrong;
}

}  // namespace ferry::bench
