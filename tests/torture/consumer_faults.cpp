#include <signal.h>

#include <optional>
#include <thread>

#include "tests/torture/fate.h"
#include "tests/torture/parties.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;

namespace {

/// What its stream tells it, of a stream whose producer it may starve and whose producers come and go.
bool is_of_trio(const Fault& fault) { return is_about(fault, {"StreamStateChanged", "ProducerChanged", "LeaseEnded"}); }

Arguments arguments_of(const Fault& fault) {
  // A stream that nobody makes: the wait for it is given up.
  if (is_about(fault, {"CancelAttach"})) return {"--name", "absent", "--attach-timeout-ms", "300"};
  if (is_about(fault, {"Refused"})) return {"--name", "absent", "--attach-timeout-ms", "0"};
  Arguments arguments{"--name", is_of_trio(fault) ? "trio" : "cam", "--holds", "2"};
  const auto add = [&](std::initializer_list<const char*> more) { arguments.insert(arguments.end(), more.begin(), more.end()); };
  if (fault.party == kConsumerEvery) add({"--mode", "every", "--queue-depth", "4"});
  if (is_about(fault, {"Detach", "Done"})) add({"--frames", "10"});
  if (is_about(fault, {"QueryStatus", "StatusReply"})) add({"--ask-status"});
  if (is_about(fault, {"LeaseEnded"})) add({"--keep"});  // is evicted
  if (fault.where == kWorkQueued) add({"--hang-at", "3"});
  return arguments;
}

bool lists(const nlohmann::json& status, pid_t pid) {
  for (const auto& stream : status["streams"])
    for (const auto& consumer : stream["consumers"])
      if (consumer["pid"] == pid) return true;
  return false;
}

End end_of(const Fault& fault) {
  return is_about(fault, {"CancelAttach"}) ? End::kGivenUp : is_about(fault, {"Refused"}) ? End::kRefused : End::kDoneOrEvicted;
}

}  // namespace

void inflict_on_consumer(World& world, const Fault& fault, int nth, Outcome& outcome) {
  std::optional<ChildProcess> trio;
  const auto produce = [&] {
    trio.reset();
    trio.emplace(world.start("test_producer", {"--name", "trio", "--size", "160x90:RGBA8", "--rate", "120", "--policy", "block"}));
    trio->wait_report("created", 30s);
  };
  if (is_of_trio(fault)) produce();
  auto victim = world.start("test_consumer_points", arguments_of(fault), point_of(fault, nth));
  if (is_about(fault, {"StreamStateChanged", "ProducerChanged"})) {
    victim.wait_report("attached", 30s);
    trio->kill_now();
    if (is_about(fault, {"ProducerChanged"})) produce();
  }
  if (is_about(fault, {"GenerationStarted", "import.slot"})) {
    std::this_thread::sleep_for(300ms);
    resize(world);
  }
  if (needs_restart(fault)) {
    victim.wait_report("attached", 30s);
    replace_broker(world, fault);
  }
  outcome.reached = await_fate(victim, fault, nth);
  outcome.failure = world.flows(30);
  if (needs_restart(fault) && !cam_is_back(world)) outcome.failure += "not everybody is back: " + world.status().dump();
  if (victim.running()) {
    if (fault.where == kWorkQueued)
      victim.kill_now();  // it could do nothing more
    else
      outcome.failure += awaken(victim, end_of(fault));
  }
  if (!world.status_is([&](const auto& status) { return !lists(status, victim.pid()); }))
    outcome.failure += "its lease is still listed";
}

}  // namespace ferry::torture
