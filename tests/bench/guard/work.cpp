// What the guard counts: frames through libferry without a driver. `guard_work broker` is the broker, in a process of
// its own, so that nothing it does is counted; `guard_work SOCKET FRAMES CONSUMERS` produces and consumes; with
// `asleep` the consumers sleep when a frame comes, half of them in acquire() and half in poll(), with `in-poll` all of them
// in poll(); publish() is marked in the trace (tests/support/mark.h).

#include <poll.h>
#include <valgrind/callgrind.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/bench/library/fake_client.h"
#include "tests/bench/library/frame_calls.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/mark.h"
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
  CALLGRIND_ZERO_STATS;  // how often the loop above asked in vain is chance; and what a first frame costs comes once
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

/// Events that nobody takes keep the descriptor readable.
bool take_event(ferry_consumer* consumer) {
  ferry_event event{};
  event.struct_size = FERRY_EVENT_SIZE;
  return ferry_consumer_next_event(consumer, &event) == FERRY_OK;
}

/// Takes what comes until @p stopping.
void sleep_and_take(ferry_consumer* consumer, bool in_poll, const std::atomic<bool>& stopping,
                    std::atomic<int>& taken) {
  constexpr int kTimeoutMs = 100;
  pollfd fd{-1, POLLIN, 0};
  if (in_poll) test::check(ferry_consumer_get_fd(consumer, &fd.fd), "ferry_consumer_get_fd");
  while (!stopping) {
    const std::uint64_t sequence = acquire_frame(consumer, in_poll ? 0 : kTimeoutMs * 1'000'000);
    if (sequence != 0) {
      release_frame(consumer, sequence);
      ++taken;
    } else if (in_poll && !take_event(consumer)) {
      ::poll(&fd, 1, kTimeoutMs);
    }
  }
}

int be_client_of_sleepers(const char* socket, int frames, int crowd, bool all_in_poll) {
  const FakeClient client(socket);
  ferry_producer* producer = client.create("cam");
  std::vector<ferry_consumer*> consumers;
  std::vector<std::thread> threads;
  std::atomic<bool> stopping{false};
  std::atomic<int> taken{0};
  for (int i = 0; i < crowd; ++i) {
    consumers.push_back(client.attach("cam"));
    threads.emplace_back([consumer = consumers.back(), in_poll = all_in_poll || i % 2 == 1, &stopping, &taken] {
      sleep_and_take(consumer, in_poll, stopping, taken);
    });
  }
  for (int i = 0; i < frames; ++i) {
    const std::uint64_t target = begin_frame(producer);
    {
      const test::TraceMark mark(all_in_poll ? "publish" : nullptr);
      publish_frame(producer, target);
    }
    // Until everybody has had it, and a while longer, until they sleep again.
    do std::this_thread::sleep_for(std::chrono::milliseconds(5));
    while (taken < (i + 1) * crowd);
  }
  stopping = true;
  for (auto& thread : threads) thread.join();
  test::report("done", {{"frames", frames}});
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
    const bool all_in_poll = argc == 5 && std::strcmp(argv[4], "in-poll") == 0;
    if (all_in_poll || (argc == 5 && std::strcmp(argv[4], "asleep") == 0))
      return ferry::bench::be_client_of_sleepers(argv[1], std::atoi(argv[2]), std::atoi(argv[3]), all_in_poll);
    std::fprintf(stderr, "guard_work broker | guard_work SOCKET FRAMES CONSUMERS [asleep | in-poll]\n");
  } catch (const std::exception& e) {
    std::fprintf(stderr, "guard_work: %s\n", e.what());
  }
  return 2;
}
