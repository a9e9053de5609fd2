#include "tests/torture/faults.h"

#include <thread>

#include "tests/torture/fate.h"
#include "tests/torture/parties.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;

namespace {

/// @p inflicted between two looks at the books of those who must not notice.
template <class Inflicted>
Outcome between_books(World& world, Inflicted inflicted) {
  Outcome outcome;
  try {
    const World::Sum before = world.books();
    world.forget_gaps();
    inflicted(outcome);
    outcome.failure += world.footprint_is_usual();
    const World::Sum after = world.books();
    outcome.frames = after.frames - before.frames;
    outcome.wrong_frames = after.wrong - before.wrong;
    outcome.lost_frames = after.missing_by_every - before.missing_by_every;
    outcome.longest_gap_ns = after.longest_gap_ns;
    if (after.longest_overrun_ns > World::kMostOverrunNs)
      outcome.failure += "a wait outlasted its timeout by " + std::to_string(after.longest_overrun_ns / 1'000'000) + " ms; ";
  } catch (const std::exception& error) {
    outcome.failure += error.what();
  }
  return outcome;
}

}  // namespace

Outcome inflict(World& world, const Fault& fault, int nth, const GapBound& bound) {
  Outcome outcome = between_books(world, [&](Outcome& inflicted) {
    if (fault.party == kProducer)
      inflict_on_producer(world, fault, nth, inflicted);
    else if (fault.party == kBroker)
      inflict_on_broker(world, fault, nth, inflicted);
    else
      inflict_on_consumer(world, fault, nth, inflicted);
  });
  outcome.may_stand_still = may_stand_still(fault);
  outcome.failure += bound.judge(fault, outcome);
  return outcome;
}

Outcome inflict_nothing(World& world) {
  return between_books(world, [&](Outcome& outcome) {
    auto guest = world.start("test_consumer", {"--name", "cam", "--frames", "30"});
    guest.wait_report("attached", 30s);
    resize(world);
    outcome.failure = judge_end(guest) + world.flows(30);
    outcome.reached = true;
  });
}

}  // namespace ferry::torture
