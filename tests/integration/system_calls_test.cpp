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

  /// No call of @p function makes more than @p most; a tenth of them may where a sleep begins (a word moved between the look
  /// and the sleep), and in sync mode host, where a thread of the library's shares its locks: when that is off the processor
  /// with one, a call sleeps for it and wakes the next.
  void expect_most(const std::vector<MarkedCall>& marked, const std::string& function, std::size_t most,
                   bool sleeps = false) {
    std::size_t calls = 0, over = 0;
    std::string example;
    for (const MarkedCall& call : marked) {
      if (call.call != function) continue;
      ++calls;
      if (call.inside.size() <= most) continue;
      ++over;
      example += "\n  --";
      for (const SystemCall& inside : call.inside) example += "\n  " + inside.text;
    }
    EXPECT_GT(calls, 20u) << function;
    EXPECT_LE(over, host_sync_ || sleeps ? calls / 10 : 0) << "of " << calls << " calls of " << function << example;
  }

  /// As start_producer(), for a trace of its calls.
  ChildProcess start_marked_producer(const std::string& rate) {
    auto producer =
        start_producer({"--name", "cam", "--size", "64x64:RGBA8", "--rate", rate, "--mark", "--no-validation"});
    host_sync_ = producer.reports().front()["sync_mode"] == "host";
    return producer;
  }
  /// Sync mode host hands a frame to a thread of the library's own, which may be the one that sleeps.
  std::size_t handing_over() const { return host_sync_ ? 1 : 0; }

 private:
  bool host_sync_ = false;
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
  auto producer = start_marked_producer("60");
  auto consumer =
      start_consumer({"--name", "cam", "--acquire-timeout-ms", "0", "--pace-ms", "40", "--mark", "--no-validation"});
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  expect_most(produced, "begin", 0);
  expect_most(produced, "publish", handing_over());
  const auto consumed = marked_calls(trace(consumer.pid(), 2500ms));
  expect_most(consumed, "acquire", 0);
  expect_most(consumed, "release", handing_over());
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(SystemCalls, ThePeersSleepAndAFrameCostsOne) {
  auto producer = start_marked_producer("30");
  std::vector<ChildProcess> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.push_back(start_consumer({"--name", "cam", "--mark", "--no-validation"}));
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  expect_most(produced, "begin", 0);
  expect_most(produced, "publish", 1);
  const auto consumed = marked_calls(trace(sleepers[0].pid(), 2500ms));
  expect_most(consumed, "acquire", 1, true);
  expect_most(consumed, "release", 1);
  for (auto& sleeper : sleepers) stop_and_check(sleeper);
  stop_and_check(producer);
}

TEST_F(SystemCalls, AnEventLoopIsWokenByOne) {
  auto producer = start_marked_producer("30");
  auto loop = start_consumer({"--name", "cam", "--use-fd", "--mark", "--no-validation"});
  expect_most(marked_calls(trace(producer.pid(), 2500ms)), "publish", 1);
  // Emptying the descriptor, which under strace takes so long that the thread wants the lock: that is woken then.
  expect_most(marked_calls(trace(loop.pid(), 2500ms)), "acquire", 1 + handing_over());
  stop_and_check(loop);
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
