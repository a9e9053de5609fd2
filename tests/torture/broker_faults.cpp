#include <signal.h>

#include <thread>

#include "tests/torture/errands.h"
#include "tests/torture/fate.h"
#include "tests/torture/parties.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;

void resize(World& world) {
  static bool wide = false;
  wide = !wide;
  world.producer().send_command(wide ? "resize 192x108" : "resize 160x90");
}

void replace_broker(World& world, const Fault& fault) {
  if (is_about(fault, {"Goodbye"})) {
    world.broker().process().send_signal(SIGTERM);
    world.broker().process().wait_exit(30s);
  } else {
    world.broker().kill();
  }
  world.broker().start();
}

bool cam_is_back(World& world) {
  return world.status_is([](const auto& status) {
    const auto cam = stream_in(status, "cam");
    if (cam.is_null() || cam["state"] != "live") return false;
    std::size_t lasting = 0;
    for (const auto& consumer : cam["consumers"]) lasting += consumer["admitted"].template get<bool>() ? 1 : 0;
    return lasting >= 2;
  });
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
  auto late = world.start("test_consumer", {"--name", "cam", "--attach-timeout-ms", "5000", "--frames", "10"});
  // An application waits for the answer to a resize in its frame thread (5 s at most) of a broker that stands still: that
  // is its own wish and nobody's death, so "cam" is only resized under a broker that dies.
  if (!stops(fault) && is_about(fault, {"Reconfigure", "Generation"})) {
    std::this_thread::sleep_for(200ms);
    resize(world);
  }
  Errands errands(world, fault);
  outcome.reached = await_fate(world.broker().process(), fault, nth);
  outcome.failure = world.flows(30);  // without a broker, or with one that stands still
  if (world.broker().running()) {
    world.broker().process().send_signal(SIGCONT);
    if (!world.status_is(all_back)) outcome.failure += "not everybody is back after SIGCONT; ";
    world.broker().kill();
  }
  errands.end();
  world.broker().start();
  // Who is only about to connect to a broker that dies is refused.
  if (const std::string wrong = judge_end(late, End::kDoneOrNoBroker); !wrong.empty())
    outcome.failure += "the late consumer: " + wrong;
  if (!world.status_is(all_back)) outcome.failure += "not everybody is back: " + world.status().dump();
  outcome.failure += world.flows(30);
}

}  // namespace ferry::torture
