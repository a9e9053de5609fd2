#include "tests/bench/run/pair.h"

#include <algorithm>
#include <map>

namespace ferry::bench {

using nlohmann::json;
using namespace std::chrono_literals;

namespace {

constexpr auto kPatience = 60s;
constexpr auto kPatienceToStart = 20s;  // what a driver refuses by never answering is not worth more
int pairs_started = 0;

std::unique_ptr<test::ChildProcess> start(std::vector<std::string> arguments, const std::string& log) {
  return std::make_unique<test::ChildProcess>(test::program_folder() + "/bench_peer", std::move(arguments),
                                              test::SpawnOptions{{}, log});
}

/// Spans are [last frame, begin, end], in ns.
void add_gpu_times(const json& drawn, const json& read, Stretch& stretch) {
  const auto us = [](std::int64_t ns) { return static_cast<double>(ns) / 1000; };
  std::map<std::uint64_t, std::int64_t> drawn_ns;
  for (const json& span : drawn) {
    stretch.drawing_us.push_back(us(span[2].get<std::int64_t>() - span[1].get<std::int64_t>()));
    drawn_ns[span[0]] = span[2];
  }
  for (const json& span : read) {
    stretch.reading_us.push_back(us(span[2].get<std::int64_t>() - span[1].get<std::int64_t>()));
    if (const auto found = drawn_ns.find(span[0].get<std::uint64_t>()); found != drawn_ns.end())
      stretch.between_us.push_back(us(span[1].get<std::int64_t>() - found->second));
  }
}

}  // namespace

Pair::Pair(const Rival& rival, const std::string& size, std::uint32_t depth, test::BrokerProcess& broker)
    : rival_(rival) {
  const std::string id = std::to_string(++pairs_started);
  std::vector<std::string> arguments{"--rival", rival.kind, "--size", size, "--depth", std::to_string(depth)};
  if (rival.together > 1) arguments.insert(arguments.end(), {"--together", std::to_string(rival.together)});
  arguments.insert(arguments.end(), rival.both.begin(), rival.both.end());
  const std::string log = broker.folder().file("peer" + id);
  if (rival.kind == "one-process") {
    arguments.insert(arguments.end(), {"--role", "both"});
    first_ = start(arguments, log);
    about_ = first_->wait_report("ready", kPatienceToStart);
    return;
  }
  arguments.insert(arguments.end(), {"--meet", broker.folder().file("meet" + id + "/socket"), "--socket",
                                     broker.socket(), "--stream", "bench " + id});
  auto consumer = arguments;
  consumer.insert(consumer.end(), {"--role", "consumer"});
  consumer.insert(consumer.end(), rival.consumer.begin(), rival.consumer.end());
  arguments.insert(arguments.end(), {"--role", "producer"});
  second_ = start(consumer, log + "c");
  first_ = start(arguments, log + "p");
  about_ = first_->wait_report("ready", kPatienceToStart);
  second_->wait_report("ready", kPatienceToStart);
}

void Pair::begin(std::uint64_t frames, const std::string& how, std::uint32_t depth, std::uint32_t verify) {
  last_ += frames;
  const std::string reading = std::to_string(last_) + " " + std::to_string(depth) + " " + std::to_string(verify);
  if (!second_) {
    first_->send_command("loop " + reading);
    return;
  }
  second_->send_command("take " + reading);
  first_->send_command("make " + std::to_string(last_) + " " + how);
}

Stretch Pair::finish() {
  json made, took;
  if (!second_) {
    made = took = first_->wait_report("looped", kPatience);
  } else {
    made = first_->wait_report("made", kPatience);
    took = second_->wait_report("took", kPatience);
  }
  Stretch stretch;
  const auto first = made["first"].get<std::uint64_t>();
  const auto submitted = made["submitted_ns"].get<std::vector<std::int64_t>>();
  const auto sequences = took["sequences"].get<std::vector<std::uint64_t>>();
  const auto completed = took["completed_ns"].get<std::vector<std::int64_t>>();
  for (std::size_t i = 0; i < sequences.size(); ++i)
    if (sequences[i] >= first && sequences[i] - first < submitted.size())
      stretch.latency_us.push_back(static_cast<double>(completed[i] - submitted[sequences[i] - first]) / 1000);
  stretch.frames = sequences.size();
  stretch.skipped = submitted.size() - std::min(submitted.size(), sequences.size());
  add_gpu_times(made["drawn_spans"], took["read_spans"], stretch);
  if (completed.size() > rival_.together)  // those handed over at once are complete at once
    stretch.frames_per_second = static_cast<double>(completed.size() - rival_.together) * 1e9 /
                                static_cast<double>(std::max<std::int64_t>(1, completed.back() - completed.front()));
  stretch.slots = made.value("slots", 0u);
  stretch.wrong = took["wrong"];
  stretch.compared_whole = took["compared_whole"];
  stretch.wrong_whole = took["wrong_whole"];
  stretch.producer_usage = made["usage"];
  stretch.consumer_usage = took["usage"];
  stretch.producer_allocations = made.value("allocations", std::uint64_t{0});
  stretch.consumer_allocations = took.value("allocations", std::uint64_t{0});
  return stretch;
}

Stretch Pair::run(std::uint64_t frames, const std::string& how, std::uint32_t depth, std::uint32_t verify) {
  begin(frames, how, depth, verify);
  return finish();
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  const auto at = std::min(values.size() - 1, static_cast<std::size_t>(static_cast<double>(values.size()) * share));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

json summary(const std::vector<double>& values) {
  return {{"n", values.size()},
          {"p50", percentile(values, 0.5)},
          {"p90", percentile(values, 0.9)},
          {"p99", percentile(values, 0.99)},
          {"max", percentile(values, 1.0)}};
}

}  // namespace ferry::bench
