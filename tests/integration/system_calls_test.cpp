// What a frame costs in system calls: counted by strace, between marks that the helper programs leave.

#include <thread>

#include "tests/integration/stream_test.h"
#include "tests/support/system_call_trace.h"

namespace ferry::test {
namespace {

class SystemCalls : public StreamTest {
 protected:
  void SetUp() override {
    if (const std::string why = SystemCallTrace::why_not(); !why.empty()) GTEST_SKIP() << why;
  }

  /// Traces process @p pid for @p duration, once what attaching to a stream set off is over.
  static std::vector<SystemCall> trace(pid_t pid, std::chrono::milliseconds duration) {
    std::this_thread::sleep_for(500ms);
    SystemCallTrace running(pid);
    std::this_thread::sleep_for(duration);
    return running.finish();
  }

  struct Cost {
    std::size_t calls = 0;  ///< of the function
    std::size_t total = 0, most = 0;
    std::string example;  ///< what the costliest did
  };
  static Cost cost_of(const std::vector<MarkedCall>& marked, const std::string& function) {
    Cost cost;
    for (const MarkedCall& call : marked) {
      if (call.call != function) continue;
      ++cost.calls;
      cost.total += call.inside.size();
      if (call.inside.size() <= cost.most) continue;
      cost.most = call.inside.size();
      cost.example.clear();
      for (const SystemCall& inside : call.inside) cost.example += "\n  " + inside.text;
    }
    return cost;
  }
};

TEST_F(SystemCalls, TheBrokerMakesNoneWhileFramesFlow) {
  auto producer = start_producer({"--name", "cam", "--size", "160x90:RGBA8", "--rate", "120"});
  auto consumer = start_consumer({"--name", "cam"});
  auto recorder = start_consumer({"--name", "cam", "--mode", "every"});
  // Ferryd has one thread. A GPU's driver keeps more in its process, which wake as they like; the software driver's sleep.
  const bool count_all = session().device_info().is_software != 0;
  SystemCallTrace running(broker_.pid());
  // Being attached to interrupts a sleeping call, which is then made again.
  const auto settled = std::chrono::system_clock::now() + 500ms;
  std::this_thread::sleep_for(3500ms);
  const std::chrono::duration<double> from = settled.time_since_epoch();
  std::size_t drivers = 0;
  std::string seen;
  std::size_t count = 0;
  for (const SystemCall& call : running.finish()) {
    if (call.time_s < from.count()) continue;
    if (!count_all && call.thread != broker_.pid()) {
      ++drivers;
      continue;
    }
    ++count;
    seen += "\n  " + call.text;
  }
  EXPECT_EQ(count, 0u) << seen;
  RecordProperty("calls_of_the_drivers_threads", static_cast<int>(drivers));
  EXPECT_GT(stop_and_check(consumer)["frames"], 100) << "frames did flow";
  stop_and_check(recorder);
  stop_and_check(producer);
}

TEST_F(SystemCalls, ThePeerIsAwakeAndAFrameCostsNone) {
  // This consumer never sleeps in Ferry: it looks, finds something or not, and sleeps by itself.
  auto producer =
      start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--rate", "60", "--mark", "--no-validation"});
  auto consumer =
      start_consumer({"--name", "cam", "--acquire-timeout-ms", "0", "--pace-ms", "40", "--mark", "--no-validation"});
  // Sync mode host hands a frame to a thread of the library's own, which may be the one that sleeps.
  const std::size_t handing_over = producer.reports().front()["sync_mode"] == "host" ? 1 : 0;
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  const auto consumed = marked_calls(trace(consumer.pid(), 2500ms));

  const auto expect_most = [](const std::vector<MarkedCall>& marked, const char* function, std::size_t most) {
    const Cost cost = cost_of(marked, function);
    EXPECT_GT(cost.calls, 20u) << function;
    EXPECT_LE(cost.most, most) << cost.total << " in " << cost.calls << " calls of " << function << cost.example;
  };
  expect_most(produced, "begin", 0);
  expect_most(produced, "publish", handing_over);
  expect_most(consumed, "acquire", 0);
  expect_most(consumed, "release", handing_over);
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(SystemCalls, ThePeersSleepAndAFrameCostsOne) {
  auto producer =
      start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--rate", "30", "--mark", "--no-validation"});
  std::vector<ChildProcess> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.push_back(start_consumer({"--name", "cam", "--mark", "--no-validation"}));
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  const Cost publish = cost_of(produced, "publish");
  EXPECT_GT(publish.calls, 30u);
  EXPECT_LE(publish.most, 1u) << "three consumers sleep:" << publish.example;
  const Cost begin = cost_of(produced, "begin");
  EXPECT_EQ(begin.total, 0u) << begin.example;

  const auto consumed = marked_calls(trace(sleepers[0].pid(), 2500ms));
  // One sleep for each frame, and hardly ever one more, when a word moved between the look and the sleep.
  const Cost acquire = cost_of(consumed, "acquire");
  EXPECT_GT(acquire.calls, 30u);
  EXPECT_LE(acquire.total, acquire.calls + acquire.calls / 10) << acquire.example;
  const Cost release = cost_of(consumed, "release");
  EXPECT_GT(release.calls, 30u);
  EXPECT_LE(release.most, 1u) << release.example;
  for (auto& sleeper : sleepers) stop_and_check(sleeper);
  stop_and_check(producer);
}

TEST_F(SystemCalls, AnEventLoopIsWokenByOne) {
  auto producer =
      start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--rate", "30", "--mark", "--no-validation"});
  // Sync mode host: the library's thread may wait for the lock that an acquire under strace holds for long.
  const std::size_t handing_over = producer.reports().front()["sync_mode"] == "host" ? 1 : 0;
  auto loop = start_consumer({"--name", "cam", "--use-fd", "--mark", "--no-validation"});
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  const Cost publish = cost_of(produced, "publish");
  EXPECT_GT(publish.calls, 30u);
  EXPECT_LE(publish.most, 1u) << publish.example;
  const auto consumed = marked_calls(trace(loop.pid(), 2500ms));
  const Cost acquire = cost_of(consumed, "acquire");
  EXPECT_GT(acquire.calls, 30u);
  EXPECT_LE(acquire.most, 1u + handing_over) << acquire.example;
  stop_and_check(loop);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
