#include "tests/torture/faults.h"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>
#include <thread>

#include "tests/support/temp_dir.h"

namespace ferry::torture {

using namespace std::chrono_literals;
using test::Deadline;

namespace {

constexpr const char* kAnyTime = "at any time";
constexpr const char* kConsumerLatest = "consumer, latest";
constexpr const char* kConsumerEvery = "consumer, every";
constexpr const char* kProducer = "producer";
constexpr const char* kBroker = "broker";

const std::vector<const char*> kConsumerPlaces{
    kAnyTime,        "send.Hello.before",     "send.Hello.after", "receive.HelloReply.after", "send.Attach.before",
    "send.Attach.after", "receive.Attached.after", "import.slot",  "receive.GenerationStarted.after", "acquire.taken",
    "release.before", "release.on_page",      "send.Detach.before", "send.Detach.after"};
const std::vector<const char*> kProducerPlaces{kAnyTime,
                                               "send.CreateStream.before",
                                               "send.CreateStream.after",
                                               "receive.StreamCreated.after",
                                               "import.slot",
                                               "receive.LeaseAdded.after",
                                               "lease.before_admission",
                                               "begin.chosen",
                                               "publish.before",
                                               "publish.complete",
                                               "publish.on_page",
                                               "send.Reconfigure.before",
                                               "send.Reconfigure.after",
                                               "receive.GenerationStarted.after",
                                               "begin.new_generation",
                                               "send.GenerationsRetired.before",
                                               "send.GenerationsRetired.after"};
const std::vector<const char*> kBrokerPlaces{kAnyTime,
                                             "handle.Hello.before",
                                             "send.HelloReply.before",
                                             "handle.HandBackGeneration.after",
                                             "handle.HandBackLease.after",
                                             "handle.ReclaimStream.before",
                                             "handle.ReclaimStream.after",
                                             "send.StreamRestored.before",
                                             "handle.ReclaimLease.before",
                                             "handle.ReclaimLease.after",
                                             "send.LeaseRestored.before",
                                             "handle.Attach.before",
                                             "send.Attached.before",
                                             "send.LeaseAdded.before",
                                             "handle.Attach.after",
                                             "handle.Reconfigure.before",
                                             "send.GenerationStarted.before",
                                             "handle.Reconfigure.after",
                                             "handle.GenerationsRetired.after",
                                             "handle.Detach.before",
                                             "send.LeaseEnded.before",
                                             "handle.Detach.after"};

bool is_stopped(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] == 'T';
}

/// Until @p process has died or stopped by itself.
bool meets_its_fate(ChildProcess& process, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  while (process.running() && !is_stopped(process.pid())) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

std::string point_of(const Fault& fault, int nth) {
  if (fault.where == kAnyTime) return {};
  return fmt::format("{}:{}:{}", fault.where, nth, fault.signal == "SIGSTOP" ? "stop" : "kill");
}

/// At a named place by itself, anywhere by us.
bool await_fate(ChildProcess& victim, const Fault& fault, int nth) {
  if (fault.where != kAnyTime && meets_its_fate(victim, 4s)) return true;
  if (fault.where == kAnyTime) std::this_thread::sleep_for(std::chrono::milliseconds(110 * nth));
  if (!victim.running()) return false;
  victim.send_signal(fault.signal == "SIGSTOP" ? SIGSTOP : SIGKILL);
  return meets_its_fate(victim, 10s) && fault.where == kAnyTime;
}

void resize(World& world) {
  static bool wide = false;
  wide = !wide;
  world.producer().send_command(wide ? "resize 192x108" : "resize 160x90");
}

/// A process that was stopped: goes on, or says why not; and ends when it is asked to.
std::string awaken(ChildProcess& victim) {
  victim.send_signal(SIGCONT);
  std::this_thread::sleep_for(100ms);
  victim.send_command("stop");
  try {
    const auto last = victim.wait_report_if("an end", [](const auto& report) {
      return report["report"] == "done" || report["report"] == "failed";
    }, 40s);
    victim.wait_exit(20s);
    if (last.contains("all_right") && !last["all_right"]) return "after SIGCONT: " + last.dump();
  } catch (const std::exception& error) {
    return fmt::format("after SIGCONT: {}", error.what());
  }
  return {};
}

bool lists(const nlohmann::json& status, pid_t pid) {
  for (const auto& stream : status["streams"])
    for (const auto& consumer : stream["consumers"])
      if (consumer["pid"] == pid) return true;
  return false;
}

void inflict_on_consumer(World& world, const Fault& fault, int nth, Outcome& outcome) {
  Arguments arguments{"--name", "cam", "--holds", "2"};
  if (fault.party == kConsumerEvery) arguments.insert(arguments.end(), {"--mode", "every", "--queue-depth", "4"});
  if (fault.where.find("Detach") != std::string::npos) arguments.insert(arguments.end(), {"--frames", "10"});
  auto victim = world.start("test_consumer_points", arguments, point_of(fault, nth));
  if (fault.where.find("GenerationStarted") != std::string::npos || fault.where == "import.slot") {
    std::this_thread::sleep_for(300ms);
    resize(world);
  }
  outcome.reached = await_fate(victim, fault, nth);
  outcome.failure = world.flows(30);
  if (victim.running()) outcome.failure += awaken(victim);
  if (!world.status_is([&](const auto& status) { return !lists(status, victim.pid()); }))
    outcome.failure += "its lease is still listed";
}

void inflict_on_producer(World& world, const Fault& fault, int nth, Outcome& outcome) {
  auto victim = world.start("test_producer_points",
                            {"--name", "duo", "--size", "160x90:RGBA8", "--rate", "120", "--resize", "20=192x108"},
                            point_of(fault, nth));
  outcome.reached = await_fate(victim, fault, nth);
  outcome.failure = world.flows(30);  // other streams' people
  if (victim.running()) {
    victim.send_signal(SIGCONT);
    if (victim.reports().empty()) victim.wait_report("created", 30s);
    outcome.failure += world.duo_flows(20);
    victim.kill_now();
  }
  auto next = world.start("test_producer", {"--name", "duo", "--size", "128x72:RGBA8", "--rate", "120"});
  next.wait_report("created", 30s);
  outcome.failure += world.duo_flows(20);
  next.kill_now();
}

void inflict_on_broker(World& world, const Fault& fault, int nth, Outcome& outcome) {
  const auto all_back = [](const auto& status) {
    const auto cam = stream_in(status, "cam");
    if (cam.is_null() || cam["state"] != "live") return false;
    return cam["consumers"].size() == 2;
  };
  world.broker().kill();
  test::BrokerProcess::Environment point;
  if (fault.where != kAnyTime) point.emplace_back("FERRY_TEST_POINT", point_of(fault, nth));
  try {
    world.broker().start("ferryd_points", point);
  } catch (const std::exception&) {
    // It got to the place before it could say that it was ready.
  }
  // Something to do: an attachment, a resize, a detachment.
  auto late = world.start("test_consumer", {"--name", "cam", "--attach-timeout-ms", "5000", "--frames", "10"});
  // An application waits for the answer to a resize, as long as it likes, of a broker that stands still.
  if (fault.signal == "SIGKILL" && fault.where.find("Detach") == std::string::npos) {
    std::this_thread::sleep_for(200ms);
    resize(world);
  }
  outcome.reached = await_fate(world.broker().process(), fault, nth);
  outcome.failure = world.flows(30);  // without a broker, or with one that stands still
  if (world.broker().running()) {
    world.broker().process().send_signal(SIGCONT);
    if (!world.status_is(all_back)) outcome.failure += "not everybody is back after SIGCONT; ";
    world.broker().kill();
  }
  world.broker().start();
  try {
    late.wait_exit(60s);
  } catch (const std::exception& error) {
    outcome.failure += fmt::format("the late consumer hangs: {}; ", error.what());
  }
  if (!world.status_is(all_back)) outcome.failure += "not everybody is back: " + world.status().dump();
  outcome.failure += world.flows(30);
}

}  // namespace

std::vector<Fault> all_faults() {
  std::vector<Fault> faults;
  const auto add = [&](const char* party, const std::vector<const char*>& places) {
    for (const char* place : places)
      for (const char* signal : {"SIGKILL", "SIGSTOP"}) faults.push_back({party, signal, place});
  };
  add(kConsumerLatest, kConsumerPlaces);
  add(kConsumerEvery, kConsumerPlaces);
  add(kProducer, kProducerPlaces);
  add(kBroker, kBrokerPlaces);
  return faults;
}

int passes_of(const Fault& fault) {
  constexpr int kMany = 3;
  // What is said once in the life of a producer or consumer, and by this broker to the few who are there.
  for (const char* once : {"CreateStream", "StreamCreated", "Attach", "Detach", "LeaseAdded", "before_admission", "Reconfigure",
                           "GenerationsRetired", "GenerationStarted", "new_generation", "ReclaimStream", "StreamRestored",
                           "LeaseEnded", "HandBackGeneration"})
    if (fault.where.find(once) != std::string::npos) return 1;
  const bool greets = fault.where.find("Hello") != std::string::npos;
  return greets && fault.party != kBroker ? 1 : fault.where.find("Lease") != std::string::npos ? 2 : kMany;
}

Outcome inflict(World& world, const Fault& fault, int nth) {
  Outcome outcome;
  try {
    const World::Sum before = world.books();
    if (fault.party == kProducer)
      inflict_on_producer(world, fault, nth, outcome);
    else if (fault.party == kBroker)
      inflict_on_broker(world, fault, nth, outcome);
    else
      inflict_on_consumer(world, fault, nth, outcome);
    const World::Sum after = world.books();
    outcome.frames = after.frames - before.frames;
    outcome.wrong_frames = after.wrong - before.wrong;
    outcome.lost_frames = after.missing_by_every - before.missing_by_every;
    outcome.longest_gap_ns = after.longest_gap_ns;
  } catch (const std::exception& error) {
    outcome.failure += error.what();
  }
  return outcome;
}

}  // namespace ferry::torture
