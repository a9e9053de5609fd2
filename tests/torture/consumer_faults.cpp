#include <fmt/format.h>
#include <signal.h>

#include <thread>

#include "tests/torture/fate.h"
#include "tests/torture/parties.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;

namespace {

Arguments arguments_of(const Fault& fault) {
  // A stream that nobody makes: the wait for it is given up.
  if (is_about(fault, {"CancelAttach"})) return {"--name", "absent", "--attach-timeout-ms", "300"};
  Arguments arguments{"--name", "cam", "--holds", "2"};
  const auto add = [&](std::initializer_list<const char*> more) { arguments.insert(arguments.end(), more.begin(), more.end()); };
  if (fault.party == kConsumerEvery) add({"--mode", "every", "--queue-depth", "4"});
  if (is_about(fault, {"Detach", "Done"})) add({"--frames", "10"});
  if (is_about(fault, {"QueryStatus", "StatusReply"})) add({"--ask-status"});
  if (fault.where == kWorkQueued) add({"--hang-at", "3"});
  return arguments;
}

bool lists(const nlohmann::json& status, pid_t pid) {
  for (const auto& stream : status["streams"])
    for (const auto& consumer : stream["consumers"])
      if (consumer["pid"] == pid) return true;
  return false;
}

}  // namespace

void inflict_on_consumer(World& world, const Fault& fault, int nth, Outcome& outcome) {
  auto victim = world.start("test_consumer_points", arguments_of(fault), point_of(fault, nth));
  if (is_about(fault, {"GenerationStarted", "import.slot"})) {
    std::this_thread::sleep_for(300ms);
    resize(world);
  }
  if (needs_restart(fault)) {
    victim.wait_report("attached", 30s);
    world.broker().kill();
    world.broker().start();
  }
  outcome.reached = await_fate(victim, fault, nth);
  outcome.failure = world.flows(30);
  if (needs_restart(fault) && !cam_is_back(world)) outcome.failure += "not everybody is back: " + world.status().dump();
  if (victim.running()) {
    if (fault.where == kWorkQueued)
      victim.kill_now();  // it could do nothing more
    else
      outcome.failure += awaken(victim, is_about(fault, {"CancelAttach"}) ? End::kGivenUp : End::kDoneOrEvicted);
  }
  if (!world.status_is([&](const auto& status) { return !lists(status, victim.pid()); }))
    outcome.failure += "its lease is still listed";
}

}  // namespace ferry::torture
