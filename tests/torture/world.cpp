#include "tests/torture/world.h"

#include <fmt/format.h>

#include <thread>

#include "tests/support/check.h"
#include "tests/support/temp_dir.h"
#include "tests/torture/fate.h"

namespace ferry::torture {

using namespace std::chrono_literals;
using test::Deadline;

nlohmann::json stream_in(const nlohmann::json& status, const std::string& name) {
  for (const auto& stream : status.value("streams", nlohmann::json::array()))
    if (stream["name"] == name) return stream;
  return nullptr;
}

namespace {

/// Those who are there between two faults: the four, and session_.
constexpr int kEverybody = 5;

}  // namespace

World::World(UsualFootprints& usual) : usual_(usual) {
  broker_ = std::make_unique<test::BrokerProcess>("[limits]\nreclaim_grace_ms = 1000\neviction_deadline_ms = 500\n",
                                                  test::census_environment(census_folder_.file("census")));
  first_broker_ = broker_->pid();
  session_ = std::make_unique<test::Session>(test::SessionOptions{.socket = broker_->socket(), .validation = false});
  {
    // Once, for what the driver opens at its first use and keeps.
    auto first = start("test_producer", {"--name", "first", "--size", "64x64:RGBA8", "--frames", "1"});
    first.wait_report("created");
    first.kill_now();
    status_is([](const auto& s) { return s["streams"].empty() && s["broker"]["sessions"] == 1; });
  }
  empty_ = footprint();
  producer_ = std::make_unique<ChildProcess>(
      start("test_producer", {"--name", "cam", "--size", "160x90:RGBA8", "--policy", "block", "--rate", "120"}));
  producer_->wait_report("created");
  latest_ = std::make_unique<ChildProcess>(start("test_consumer", {"--name", "cam", "--deadline-ms", "86400000"}));
  every_ = std::make_unique<ChildProcess>(
      start("test_consumer", {"--name", "cam", "--mode", "every", "--queue-depth", "8", "--use-fd", "--deadline-ms", "86400000"}));
  latest_->wait_report("attached");
  every_->wait_report("attached");
  watcher_ = std::make_unique<ChildProcess>(start(
      "test_consumer", {"--name", "duo", "--attach-timeout-ms", "86400000", "--deadline-ms", "86400000"}));
  // Who waits for a stream waits for the next broker, too; who is only about to connect to one that dies is refused.
  if (!status_is([](const auto& s) { return s["broker"]["sessions"] == kEverybody; }))
    throw std::runtime_error("not everybody has connected: " + status().dump());
}

ChildProcess World::start(const std::string& program, Arguments arguments, const std::string& test_point) {
  arguments.insert(arguments.end(), {"--socket", broker_->socket(), "--no-validation"});
  test::SpawnOptions options;
  options.error_file = broker_->folder().file("errors" + std::to_string(next_log_++));
  if (!test_point.empty()) options.environment.emplace_back("FERRY_TEST_POINT", test_point);
  return ChildProcess(test::program_folder() + "/" + program, std::move(arguments), std::move(options));
}

nlohmann::json World::status(std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  for (;;) {
    try {
      return session_->status();
    } catch (const test::FerryFailure&) {
      if (deadline.passed()) return nullptr;
    }
    std::this_thread::sleep_for(10ms);
  }
}

bool World::status_is(const std::function<bool(const nlohmann::json&)>& holds, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  for (;;) {
    const auto now = status(std::chrono::milliseconds(deadline.left_ms()));
    if (!now.is_null() && holds(now)) return true;
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(20ms);
  }
}

nlohmann::json World::books_of(ChildProcess& consumer) {
  consumer.send_command("books");
  return consumer.wait_report("books", 30s);
}

World::Sum World::books() {
  Sum sum;
  std::vector<ChildProcess*> consumers{latest_.get(), every_.get()};
  if (has_seen_duo_) consumers.push_back(watcher_.get());
  for (ChildProcess* consumer : consumers) {
    const auto books = books_of(*consumer);
    sum.frames += books["frames"].get<std::uint64_t>();
    for (const char* kind : {"wrong", "torn", "wrong_stamps", "disorder"}) sum.wrong += books[kind].get<std::uint64_t>();
    if (consumer == every_.get()) sum.missing_by_every = books["missing"];
    // Without a producer nobody gets frames.
    if (consumer != watcher_.get())
      sum.longest_gap_ns = std::max(sum.longest_gap_ns, books["longest_arrival_gap_ns"].get<std::uint64_t>());
    sum.longest_overrun_ns = std::max(sum.longest_overrun_ns, books["longest_overrun_ns"].get<std::uint64_t>());
  }
  sum.longest_overrun_ns = std::max(sum.longest_overrun_ns, books_of(*producer_)["longest_overrun_ns"].get<std::uint64_t>());
  return sum;
}

void World::forget_gaps() {
  for (ChildProcess* consumer : {latest_.get(), every_.get()}) consumer->send_command("forget gaps");
}

namespace {

/// Until @p consumer has read @p frames more.
bool reads_more(const std::function<std::uint64_t()>& frames_read, std::uint64_t frames, std::chrono::milliseconds timeout) {
  const std::uint64_t wanted = frames_read() + frames;
  const Deadline deadline(timeout);
  while (frames_read() < wanted) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(20ms);
  }
  return true;
}

}  // namespace

std::string World::flows(std::uint64_t frames) {
  const std::pair<const char*, ChildProcess*> all[] = {{"latest", latest_.get()}, {"every", every_.get()}};
  for (const auto& one : all)
    if (!reads_more([&] { return books_of(*one.second)["frames"].get<std::uint64_t>(); }, frames, 30s))
      return fmt::format("consumer {} gets no frames any more", one.first);
  return {};
}

std::string World::duo_flows(std::uint64_t frames) {
  constexpr auto kWithin = 10s;  // of a takeover, on a machine that has other things to do
  if (!has_seen_duo_) {
    watcher_->wait_report("attached", kWithin);
    has_seen_duo_ = true;
  }
  return reads_more([&] { return duo_frames(); }, frames, kWithin) ? "" : "the consumer of 'duo' gets no frames any more; ";
}

std::uint64_t World::duo_frames() { return has_seen_duo_ ? books_of(*watcher_)["frames"].get<std::uint64_t>() : 0; }

namespace {

/// Whether the broker whose log ends @p log has allocated the generation itself. What it was handed back it has only the
/// descriptors of.
bool has_made(const std::string& log, const std::string& stream, int generation) {
  const auto began = log.rfind(" listens at ");
  return began != std::string::npos && log.find(fmt::format("stream '{}': generation {},", stream, generation), began) != std::string::npos;
}

/// What a broker has of its streams depends on this, and on nothing that a leak would change.
std::string people_of(const nlohmann::json& status, const std::string& log) {
  std::string text;
  for (const auto& stream : status["streams"]) {
    const auto& generation = stream["generation"];
    const std::string name = stream["name"];
    text += fmt::format("; '{}' {}, {} slots of {}x{} {}, {} consumers", name, stream["state"].get<std::string>(),
                        generation["slot_count"].get<int>(), generation["width_px"].get<int>(), generation["height_px"].get<int>(),
                        has_made(log, name, generation["id"]) ? "of its own" : "handed back", stream["consumers"].size());
  }
  return text;
}

}  // namespace

Footprint World::settled_footprint() {
  if (!status_is([](const auto& s) { return s["broker"]["sessions"] == kEverybody; }))
    throw std::runtime_error("somebody is still there: " + status().dump());
  constexpr auto kLong = 1500ms;  // a grace period has a timer
  const Deadline deadline(20s);
  Footprint last = footprint();
  for (auto since = std::chrono::steady_clock::now(); !deadline.passed(); std::this_thread::sleep_for(50ms)) {
    const Footprint now = footprint();
    if (!now.fits(last) || !last.fits(now)) since = std::chrono::steady_clock::now();
    last = now;
    if (std::chrono::steady_clock::now() - since > kLong) break;
  }
  return last;
}

std::string World::footprint_is_usual() {
  const auto look = [&] {
    std::string position;
    const bool alone = status_is([&](const auto& s) {
      position = (broker_->pid() == first_broker_ ? "the first broker" : "a later broker") + people_of(s, broker_->log());
      return s["broker"]["sessions"] == kEverybody;
    });
    if (!alone) throw std::runtime_error("somebody is still there: " + status().dump());
    return position;
  };
  const Deadline deadline(10s);
  for (;; std::this_thread::sleep_for(50ms)) {
    const std::string position = look();
    const auto known = usual_.find(position);
    if (known == usual_.end()) {
      const Footprint settled = settled_footprint();
      if (look() == position) usual_.emplace(position, settled);
      continue;
    }
    const Footprint now = footprint();
    if (now.fits(known->second)) return {};
    if (deadline.passed()) return fmt::format("{} has {} instead of {}; ", position, now.text(), known->second.text());
  }
}

std::string World::end() {
  std::string wrong;
  const auto leave = [&](ChildProcess& process, const char* name) {
    process.send_command("stop");
    if (const std::string why = judge_end(process); !why.empty()) wrong += fmt::format("{}: {}", name, why);
  };
  leave(*latest_, "consumer latest");
  leave(*every_, "consumer every");
  leave(*producer_, "the producer");
  if (has_seen_duo_)
    leave(*watcher_, "the consumer of 'duo'");
  else
    watcher_->kill_now();
  if (!status_is([](const auto& s) {
        return s["streams"].empty() && s["broker"]["sessions"] == 1 && s["broker"]["memory_bytes"] == 0;
      }))
    wrong += "the broker still has " + status().dump();
  const Deadline deadline(10s);  // a grace period has a timer
  while (!footprint().fits(empty_) && !deadline.passed()) std::this_thread::sleep_for(50ms);
  const Footprint left = footprint();
  if (!left.fits(empty_)) wrong += fmt::format("it has {} instead of {}", left.text(), empty_.text());
  session_.reset();
  return wrong + broker_->stop();
}

}  // namespace ferry::torture
