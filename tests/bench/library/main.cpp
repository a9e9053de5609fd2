// Ferry's own part of a frame, driver calls excluded: each call alone, and how publish() grows with the consumers.

#include <benchmark/benchmark.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "platform/clock.h"
#include "tests/bench/library/fake_client.h"
#include "tests/bench/library/frame_calls.h"

namespace ferry::bench {
namespace {

/// A stream with consumers, and the times of one call in it.
class Scene {
 public:
  explicit Scene(int consumers) : client_(broker_.socket()), producer_(client_.create("cam")) {
    for (int i = 0; i < consumers; ++i) consumers_.push_back(client_.attach("cam"));
    // Until the producer has admitted everybody.
    for (ferry_consumer* consumer : consumers_) {
      std::uint64_t sequence = 0;
      while (sequence == 0) {
        publish_frame(producer_, begin_frame(producer_));
        sequence = acquire_frame(consumer, 0);
      }
      release_frame(consumer, sequence);
    }
  }
  ~Scene() {
    for (ferry_consumer* consumer : consumers_) ferry_consumer_destroy(consumer);
    ferry_producer_destroy(producer_);
  }
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

  const FakeClient& client() const { return client_; }
  ferry_producer* producer() const { return producer_; }
  const std::vector<ferry_consumer*>& consumers() const { return consumers_; }

 private:
  FakeBroker broker_;
  FakeClient client_;
  ferry_producer* producer_;
  std::vector<ferry_consumer*> consumers_;
};

/// Times one call of each round; the clock's own cost (some 20 ns) is in it.
class Stopwatch {
 public:
  explicit Stopwatch(benchmark::State& state) : state_(state) { times_ns_.reserve(1 << 20); }
  ~Stopwatch() {
    std::sort(times_ns_.begin(), times_ns_.end());
    if (times_ns_.empty()) return;
    state_.counters["p50_ns"] = times_ns_[times_ns_.size() / 2];
    state_.counters["p99_ns"] = times_ns_[times_ns_.size() * 99 / 100];
  }
  template <class Call>
  auto time(Call&& call) {
    const std::int64_t start_ns = platform::now_ns();
    auto result = call();
    const std::int64_t took_ns = platform::now_ns() - start_ns;
    times_ns_.push_back(static_cast<double>(took_ns));
    state_.SetIterationTime(static_cast<double>(took_ns) / 1e9);
    return result;
  }

 private:
  benchmark::State& state_;
  std::vector<double> times_ns_;
};

constexpr int kFrames = 20'000;

enum class Call : std::uint8_t { kBegin, kPublish, kAcquire, kRelease };

/// One frame a round: everybody looks at it and gives it back.
template <Call kTimed>
void one_call(benchmark::State& state) {
  Scene scene(static_cast<int>(state.range(0)));
  ferry_consumer* first = scene.consumers().front();
  Stopwatch watch(state);
  const auto timed_if = [&](bool wanted, auto&& call) {
    if (wanted) return watch.time(call);
    return call();
  };
  for (auto _ : state) {
    const std::uint64_t target = timed_if(kTimed == Call::kBegin, [&] { return begin_frame(scene.producer()); });
    timed_if(kTimed == Call::kPublish, [&] { return publish_frame(scene.producer(), target), 0; });
    const std::uint64_t sequence = timed_if(kTimed == Call::kAcquire, [&] { return acquire_frame(first, 0); });
    timed_if(kTimed == Call::kRelease, [&] { return release_frame(first, sequence), 0; });
    for (std::size_t i = 1; i < scene.consumers().size(); ++i)
      release_frame(scene.consumers()[i], acquire_frame(scene.consumers()[i], 0));
  }
}
BENCHMARK(one_call<Call::kBegin>)
    ->Name("begin")
    ->ArgName("consumers")
    ->Arg(1)
    ->Arg(64)
    ->Iterations(kFrames)
    ->UseManualTime();
BENCHMARK(one_call<Call::kPublish>)
    ->Name("publish")
    ->ArgName("consumers")
    ->RangeMultiplier(4)
    ->Range(1, 64)
    ->Iterations(kFrames)
    ->UseManualTime();
BENCHMARK(one_call<Call::kAcquire>)
    ->Name("acquire")
    ->ArgName("consumers")
    ->Arg(1)
    ->Arg(64)
    ->Iterations(kFrames)
    ->UseManualTime();
BENCHMARK(one_call<Call::kRelease>)
    ->Name("release")
    ->ArgName("consumers")
    ->Arg(1)
    ->Arg(64)
    ->Iterations(kFrames)
    ->UseManualTime();

/// Everybody sleeps in acquire() when the frame comes: publish() wakes all of them with one system call.
void publish_to_sleepers(benchmark::State& state) {
  Scene scene(static_cast<int>(state.range(0)));
  std::atomic<bool> stopping{false};
  std::vector<std::thread> threads;
  for (ferry_consumer* consumer : scene.consumers())
    threads.emplace_back([consumer, &stopping] {
      while (!stopping)
        if (const std::uint64_t sequence = acquire_frame(consumer, 100'000'000); sequence != 0)
          release_frame(consumer, sequence);
    });
  {
    Stopwatch watch(state);
    for (auto _ : state) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // until they sleep again
      const std::uint64_t target = begin_frame(scene.producer());
      watch.time([&] { return publish_frame(scene.producer(), target), 0; });
    }
  }
  stopping = true;
  for (auto& thread : threads) thread.join();
}
BENCHMARK(publish_to_sleepers)
    ->ArgName("consumers")
    ->RangeMultiplier(4)
    ->Range(1, 64)
    ->Iterations(300)
    ->UseManualTime();

/// The control plane alone: question, answer, lease pages, the producer's admission.
void attach_and_detach(benchmark::State& state) {
  const Scene scene(1);
  for (auto _ : state) ferry_consumer_destroy(scene.client().attach("cam"));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(attach_and_detach)->UseRealTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace ferry::bench

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::off);  // the broker's log
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
}
