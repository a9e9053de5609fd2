// What might avoid or hide the GPU's switch between two processes that use one engine.
//
// Batches: N frames are drawn by one submission, handed over together and read by one submission, in lock-step: a switch
// to the consumer and one back for N frames.
// Pacing: a producer draws at a steady rate, and the reading is submitted at a chosen moment.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <functional>

#include "tests/bench/run/broker.h"
#include "tests/bench/run/measurements.h"
#include "tests/bench/run/pair.h"

namespace ferry::bench {

using nlohmann::json;

namespace {

/// Enough for Ferry with four frames begun, four held and four unread: every way draws into as many, for the caches' sake.
constexpr std::uint32_t kBatchSlots = 16;
constexpr int kPacedFrames = 320;  // of each way, all rounds together: what a p99 needs
constexpr double kLongDrawingUs = 4000;

struct Entry {
  std::unique_ptr<Pair> pair;
  std::uint64_t frames_a_round = 0;
  std::vector<double> latency_us, rates, drawing_us, reading_us, between_us, round_p50, round_drawing;
  double consumer_cpu_us = 0;
  std::uint64_t frames = 0, skipped = 0, wrong = 0, compared_whole = 0, wrong_whole = 0;

  void add(const Stretch& stretch, std::uint32_t together) {
    std::vector<double> newest;
    for (std::size_t i = together - 1; i < stretch.latency_us.size(); i += together)
      newest.push_back(stretch.latency_us[i]);
    const auto append = [](std::vector<double>& to, const std::vector<double>& more) {
      to.insert(to.end(), more.begin(), more.end());
    };
    append(latency_us, newest);
    append(drawing_us, stretch.drawing_us);
    append(reading_us, stretch.reading_us);
    append(between_us, stretch.between_us);
    rates.push_back(stretch.frames_per_second);
    round_p50.push_back(percentile(newest, 0.5));
    round_drawing.push_back(percentile(stretch.drawing_us, 0.5));
    consumer_cpu_us += stretch.consumer_usage["cpu_ns"].get<double>() / 1000;
    frames += stretch.frames;
    skipped += stretch.skipped;
    wrong += stretch.wrong;
    compared_whole += stretch.compared_whole;
    wrong_whole += stretch.wrong_whole;
  }

  json row(const Entry& first) const {
    std::vector<double> ratios, drawing_ratios;
    for (std::size_t i = 0; i < std::min(round_p50.size(), first.round_p50.size()); ++i) {
      ratios.push_back(round_p50[i] / std::max(1e-3, first.round_p50[i]));
      drawing_ratios.push_back(round_drawing[i] / std::max(1e-3, first.round_drawing[i]));
    }
    return {{"rival", pair->rival().name},
            {"sync", pair->about()["sync"]},
            {"together", pair->rival().together},
            {"latency_us", summary(latency_us)},
            {"round_p50", round_p50},
            {"p50_ratio_to_first", percentile(ratios, 0.5)},
            {"frames_per_second", percentile(rates, 0.5)},
            {"drawing_us", summary(drawing_us)},
            {"drawing_ratio_to_first", percentile(drawing_ratios, 0.5)},
            {"reading_us", summary(reading_us)},
            {"between_us", summary(between_us)},
            {"consumer_cpu_us", consumer_cpu_us / static_cast<double>(std::max<std::uint64_t>(1, frames))},
            {"frames", frames},
            {"skipped", skipped},
            {"wrong_frames", wrong},
            {"compared_whole", compared_whole},
            {"wrong_whole", wrong_whole}};
  }
};

using Entries = std::vector<Entry>;
using Work = std::function<void(Entry&)>;

/// A way that fails says why in @p refused, and no more is seen of it.
void attempt(const std::string& name, json& refused, Entry& entry, const Work& work) {
  try {
    work(entry);
  } catch (const std::exception& e) {
    entry.pair.reset();
    refused[name] = e.what();
    fmt::print(stderr, "next-step {}: {}\n", name, e.what());
  }
}

Entries start(const std::vector<Rival>& rivals, const std::string& size, test::BrokerProcess& broker, json& refused,
              const Work& warm_up) {
  Entries entries;
  for (const Rival& rival : rivals) {
    Entry entry;
    attempt(rival.name, refused, entry, [&](Entry& e) {
      e.pair = std::make_unique<Pair>(rival, size, rival.together, broker);
      warm_up(e);
    });
    if (entry.pair) entries.push_back(std::move(entry));
  }
  return entries;
}

/// In turns; who comes after whom changes with every round.
void run_rounds(int rounds, Entries& entries, json& refused, const Work& round) {
  for (int i = 0; i < rounds; ++i)
    for (std::size_t k = 0; k < entries.size(); ++k) {
      Entry& entry = entries[(k + static_cast<std::size_t>(i)) % entries.size()];
      if (entry.pair) attempt(entry.pair->rival().name, refused, entry, round);
    }
  std::erase_if(entries, [](const Entry& entry) { return !entry.pair; });
}

json rows_of(const Entries& entries) {
  json rows = json::array();
  for (const Entry& entry : entries) rows.push_back(entry.row(entries.front()));
  return rows;
}

void print(const std::string& head, const json& rows) {
  for (const json& row : rows)
    fmt::print(stderr,
               "next-step {} {:<16} p50 {:>9.1f} p99 {:>9.1f} us, {:>7.1f} frames/s; GPU: drawing {:>8.1f}, then {:>8.1f} us "
               "until reading, {:>8.1f}; {} of {} wrong\n",
               head, row["rival"].get<std::string>(), row["latency_us"]["p50"].get<double>(),
               row["latency_us"]["p99"].get<double>(), row["frames_per_second"].get<double>(),
               row["drawing_us"]["p50"].get<double>(), row["between_us"]["p50"].get<double>(),
               row["reading_us"]["p50"].get<double>(), row["wrong_frames"].get<std::uint64_t>(),
               row["frames"].get<std::uint64_t>());
}

/// The first one is what the others are compared with.
std::vector<Rival> batches() {
  const std::vector<std::string> raw{"--timed", "--slots", std::to_string(kBatchSlots)};
  std::vector<std::string> ferry = raw, apart = raw;
  ferry.insert(ferry.end(), {"--mode", "every", "--policy", "block"});
  apart.emplace_back("--apart");
  std::vector<Rival> rivals;
  for (const std::uint32_t together : {1u, 2u, 4u}) {
    rivals.push_back({fmt::format("raw {}", together), "raw", raw, {}, false, false, together});
    rivals.push_back({fmt::format("ferry {}", together), "ferry", ferry, {}, false, false, together});
  }
  rivals.push_back({"raw 4 apart", "raw", apart, {}, false, false, 4});
  rivals.push_back({"one process", "one-process", raw});
  return rivals;
}

json measure_batches(const RunOptions& options, const std::string& size, json& refused) {
  test::BrokerProcess broker(kWideLimits);
  Entries entries = start(batches(), size, broker, refused, [&](Entry& entry) {
    const std::uint32_t together = entry.pair->rival().together;
    const Stretch warm = entry.pair->run(std::uint64_t{8} * together, "lockstep", 1, 4);
    if (warm.slots != 0 && warm.slots != kBatchSlots)
      throw std::runtime_error(fmt::format("{} images instead of {}: no fair comparison", warm.slots, kBatchSlots));
    const double batches_a_second = std::max(warm.frames_per_second / together, 0.1);
    const double batches = std::clamp(options.round_seconds * batches_a_second, 5.0, static_cast<double>(options.frames));
    entry.frames_a_round = static_cast<std::uint64_t>(batches) * together;
    entry.compared_whole = warm.compared_whole;
    entry.wrong_whole = warm.wrong_whole;
  });
  run_rounds(options.rounds, entries, refused, [](Entry& entry) {
    const Stretch stretch = entry.pair->run(entry.frames_a_round, "lockstep", 1);
    entry.add(stretch, entry.pair->rival().together);
    entry.wrong += stretch.skipped;  // in lock-step every frame arrives
  });
  json rows = rows_of(entries);
  print(size + " batches", rows);
  return rows;
}

/// What @p rival needs is there.
bool possible(const RunOptions& options, const Rival& rival) {
  return (options.has_second_queue || !rival.needs_second_queue) && (options.has_timelines || !rival.needs_timelines);
}

Rival alone(std::uint32_t fills) {
  return {"alone", "raw", {"--timed", "--fills", std::to_string(fills)}, {"--read-when", "never"}};
}

/// The first one is what the others are compared with.
std::vector<Rival> paced_ways(const RunOptions& options, std::uint32_t fills) {
  const std::vector<std::string> both = alone(fills).both;
  std::vector<std::string> host = both;
  host.insert(host.end(), {"--sync", "host"});
  const std::vector<std::string> ahead{"--read-when", "ahead"}, complete{"--read-when", "complete"};
  const std::vector<std::string> transfer{"--second-queue", "transfer", "--read-on", "second"};
  std::vector<Rival> rivals{alone(fills),
                            {"raw", "raw", both},
                            {"ferry", "ferry", both},
                            {"raw ahead", "raw", both, ahead, false, true},
                            {"raw complete", "raw", both, complete, false, true},
                            {"ferry complete", "ferry", both, complete, false, true},
                            {"ferry host", "ferry", host, {}, false, true},
                            {"raw transfer", "raw", both, transfer, true},
                            {"ferry transfer", "ferry", both, transfer, true}};
  std::erase_if(rivals, [&](const Rival& rival) { return !possible(options, rival); });
  return rivals;
}

/// How often a picture must be computed for its drawing to take kLongDrawingUs.
std::uint32_t fills_of_long_drawing(const std::string& size) {
  constexpr std::uint32_t kMore = 16;
  const auto drawing_us = [&](std::uint32_t fills) {
    test::BrokerProcess broker(kWideLimits);
    return percentile(Pair(alone(fills), size, 1, broker).run(30, "60", 1).drawing_us, 0.5);
  };
  const double one = drawing_us(1), fill = (drawing_us(1 + kMore) - one) / kMore;
  return 1 + static_cast<std::uint32_t>(std::clamp((kLongDrawingUs - one) / std::max(fill, 1.0), 0.0, 500.0));
}

json measure_paces(const RunOptions& options, const std::string& size, const char* drawing, std::uint32_t fills,
                   const std::vector<int>& rates_hz, json& refused) {
  test::BrokerProcess broker(kWideLimits);
  const int frames = std::max(5, std::min(options.frames, kPacedFrames / std::max(1, options.rounds)));
  Entries pairs = start(paced_ways(options, fills), size, broker, refused, [&](Entry& entry) {
    const Stretch warm = entry.pair->run(12, std::to_string(rates_hz.front()), 1, 4);
    entry.compared_whole = warm.compared_whole;
    entry.wrong_whole = warm.wrong_whole;
    entry.wrong = warm.wrong;
  });
  json paces = json::array();
  for (const int rate_hz : rates_hz) {
    run_rounds(options.rounds, pairs, refused, [&](Entry& entry) {
      entry.add(entry.pair->run(static_cast<std::uint64_t>(frames), std::to_string(rate_hz), 1), 1);
    });
    const json rows = rows_of(pairs);
    print(fmt::format("{} {} Hz, drawing {}:", size, rate_hz, drawing), rows);
    paces.push_back({{"rate_hz", rate_hz}, {"drawing", drawing}, {"fills", fills}, {"rivals", rows}});
    for (Entry& entry : pairs) {
      Entry fresh;
      fresh.pair = std::move(entry.pair);
      entry = std::move(fresh);
    }
  }
  return paces;
}

}  // namespace

json measure_next_step(const RunOptions& options) {
  json sizes = json::array();
  std::uint64_t refused = 0;
  for (const std::string& size : options.sizes) {
    json& result = sizes.emplace_back(json{{"size", size}, {"refused", json::object()}});
    if (options.wants("batches")) {
      result["batches"] = measure_batches(options, size, result["refused"]);
      options.keep(sizes);
    }
    if (options.wants("pacing") && size != "1280x720" && size != "7680x4320") {  // two sizes say how it grows
      result["pacing"] = measure_paces(options, size, "short", 1, {60, 120}, result["refused"]);
      options.keep(sizes);
      const json more = measure_paces(options, size, "long", fills_of_long_drawing(size), {60}, result["refused"]);
      result["pacing"].insert(result["pacing"].end(), more.begin(), more.end());
    }
    refused += result["refused"].size();
    options.keep(sizes);
  }
  if (refused > 0) throw std::runtime_error(fmt::format("{} ways did not work; \"refused\" says why", refused));
  return sizes;
}

}  // namespace ferry::bench
