#include <signal.h>

#include <optional>
#include <thread>

#include "tests/torture/fate.h"
#include "tests/torture/parties.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;

namespace {

bool closes(const Fault& fault) { return is_about(fault, {"CloseStream", "Done"}); }
bool is_refused(const Fault& fault) { return is_about(fault, {"Refused"}); }
bool starves(const Fault& fault) { return is_about(fault, {"ReportStarved", "LeaseEnded"}); }

Arguments arguments_of(const Fault& fault) {
  // A stream that ends takes its consumers with it, so one that has none.
  Arguments arguments{"--name", closes(fault) ? "brief" : is_refused(fault) ? "cam" : "duo", "--size", "160x90:RGBA8", "--rate", "120"};
  const auto add = [&](std::initializer_list<const char*> more) { arguments.insert(arguments.end(), more.begin(), more.end()); };
  if (!needs_restart(fault)) add({"--resize", "20=192x108"});
  if (starves(fault)) add({"--policy", "block"});
  if (fault.where == kWorkQueued) add({"--hang-at", "30"});
  return arguments;
}

/// What the victim needs besides time to get to its place.
void bring_about(World& world, const Fault& fault, test::ChildProcess& victim, std::optional<test::ChildProcess>& helper) {
  if (!closes(fault) && !starves(fault) && !needs_restart(fault)) return;
  victim.wait_report("created", 30s);
  if (closes(fault)) {
    std::this_thread::sleep_for(200ms);
    victim.send_command("stop");
  } else if (starves(fault)) {
    helper.emplace(world.start("test_consumer", {"--name", "duo", "--mode", "every", "--queue-depth", "2", "--keep"}));
  } else {
    world.duo_flows(5);  // its consumer is a lease that is handed back, too
    replace_broker(world, fault);
  }
}

/// SIGCONT: a stream that was to be closed ends; another one goes on, and is killed.
std::string resume(World& world, const Fault& fault, test::ChildProcess& victim) {
  victim.send_signal(SIGCONT);
  if (closes(fault)) return awaken(victim);
  if (is_refused(fault)) return awaken(victim, End::kRefused);
  std::string failure;
  if (fault.where != kWorkQueued) {
    if (victim.reports().empty()) victim.wait_report("created", 30s);
    failure = world.duo_flows(20);
  }
  victim.kill_now();
  return failure;
}

/// While nobody produces, whoever comes sees the last complete frame.
std::string last_frame_is_left(World& world) {
  if (!world.status_is([](const auto& status) {
        const auto duo = stream_in(status, "duo");
        return !duo.is_null() && duo["state"] == "orphaned";
      }))
    return "'duo' is not orphaned; ";
  auto reader = world.start("test_consumer", {"--name", "duo", "--frames", "1", "--attach-timeout-ms", "10000", "--deadline-ms", "10000"});
  const std::string wrong = judge_end(reader);
  return wrong.empty() ? "" : "who comes to the orphan: " + wrong;
}

}  // namespace

void inflict_on_producer(World& world, const Fault& fault, int nth, Outcome& outcome) {
  const std::uint64_t duo_frames = world.duo_frames();
  auto victim = world.start("test_producer_points", arguments_of(fault), point_of(fault, nth));
  std::optional<test::ChildProcess> helper;
  bring_about(world, fault, victim, helper);
  outcome.reached = await_fate(victim, fault, nth);
  outcome.failure = world.flows(30);  // other streams' people
  if (victim.running()) outcome.failure += resume(world, fault, victim);
  helper.reset();
  if (is_refused(fault)) return;
  if (closes(fault)) {
    if (!world.status_is([](const auto& status) { return stream_in(status, "brief").is_null(); }))
      outcome.failure += "its stream is still there";
    return;
  }
  // It has left one if somebody has read it.
  if (world.duo_frames() > duo_frames) outcome.failure += last_frame_is_left(world);
  auto next = world.start("test_producer", {"--name", "duo", "--size", "128x72:RGBA8", "--rate", "120"});
  next.wait_report("created", 30s);
  outcome.failure += world.duo_flows(20);
  next.kill_now();
  if (needs_restart(fault) && !cam_is_back(world)) outcome.failure += "not everybody is back: " + world.status().dump();
}

}  // namespace ferry::torture
