// What the guard counts: frames through libferry without a driver. `guard_work broker` is the broker, in a process of
// its own, so that nothing it does is counted; `guard_work SOCKET FRAMES CONSUMERS` produces and consumes.

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "tests/bench/library/fake_client.h"
#include "tests/bench/library/frame_calls.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/programs/control.h"

namespace ferry::bench {
namespace {

int be_broker() {
  const FakeBroker broker;
  test::report("ready", {{"socket", broker.socket()}});
  test::Commands commands;
  while (!commands.stopped()) commands.wait(std::chrono::milliseconds(1000));
  return 0;
}

int be_client(const char* socket, int frames, int crowd) {
  const FakeClient client(socket);
  ferry_producer* producer = client.create("cam");
  std::vector<ferry_consumer*> consumers;
  for (int i = 0; i < crowd; ++i) consumers.push_back(client.attach("cam"));
  for (ferry_consumer* consumer : consumers) {  // until everybody is admitted
    std::uint64_t sequence = 0;
    while (sequence == 0) {
      publish_frame(producer, begin_frame(producer));
      sequence = acquire_frame(consumer, 0);
    }
    release_frame(consumer, sequence);
  }
  std::uint64_t allocations = 0;
  for (int i = 0; i < frames; ++i) {
    const test::AllocationCount count;
    publish_frame(producer, begin_frame(producer));
    for (ferry_consumer* consumer : consumers) release_frame(consumer, acquire_frame(consumer, 0));
    allocations += count.allocations();
  }
  test::report("done", {{"frames", frames}, {"allocations", allocations}});
  for (ferry_consumer* consumer : consumers) ferry_consumer_destroy(consumer);
  ferry_producer_destroy(producer);
  return 0;
}

}  // namespace
}  // namespace ferry::bench

int main(int argc, char** argv) {
  try {
    if (argc == 2 && std::strcmp(argv[1], "broker") == 0) return ferry::bench::be_broker();
    if (argc == 4) return ferry::bench::be_client(argv[1], std::atoi(argv[2]), std::atoi(argv[3]));
    std::fprintf(stderr, "guard_work broker | guard_work SOCKET FRAMES CONSUMERS\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "guard_work: %s\n", e.what());
  }
  return 2;
}
