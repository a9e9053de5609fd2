// What a frame costs in system calls: counted by strace, between marks that the helper programs leave.
//
// Calls that reach another process are counted without exception. Those that stay in the process (private futexes: locks,
// and the hand-over to a thread of the library's) are none in sync mode timeline. In sync mode host that thread is awake or
// asleep as the GPU's work goes, and shares the library's locks; two things remain there:
// - publish() and release() wake it for a frame, with one call. Nothing else could tell it, and it sleeps between frames.
// - a lock is met taken when the thread is off the processor with it, or is slow at work under it because strace stops it
//   at each of its own calls: the caller then sleeps for the lock, and wakes who waits next. A tenth of the calls may.

#include <algorithm>
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

  /// What one call of a function may make.
  struct Most {
    std::size_t to_others = 0;    ///< calls that another process may notice: wakes, sends, and its own sleep
    std::size_t handing_over = 0; ///< wakes of the library's thread, in sync mode host
    bool sleeps = false;          ///< it goes to sleep: a word may move between the look and the sleep, which then begins anew
  };

  static bool is_private(const SystemCall& call) { return call.text.find("_PRIVATE") != std::string::npos; }
  static bool is_sleep(const SystemCall& call) {
    return call.name() == "futex_waitv" || call.text.find("FUTEX_WAIT_BITSET,") != std::string::npos;
  }

  void expect_most(const std::vector<MarkedCall>& marked, const std::string& function, const Most& most) {
    std::size_t calls = 0, locked = 0, slept_anew = 0;
    std::string example;
    for (const MarkedCall& call : marked) {
      if (call.call != function) continue;
      ++calls;
      std::string all = "\n  --";
      for (const SystemCall& inside : call.inside) all += "\n  " + inside.text;
      const auto count = [&](auto counts) {
        return static_cast<std::size_t>(std::count_if(call.inside.begin(), call.inside.end(), counts));
      };
      const std::size_t own = count(is_private), sleeps = count(is_sleep);
      const std::size_t spared = most.sleeps && sleeps > 1 ? sleeps - 1 : 0;
      EXPECT_LE(call.inside.size() - own - spared, most.to_others) << "calls to others by " << function << all;
      if (spared != 0) ++slept_anew;
      if (own > most.handing_over) ++locked;
      if (spared != 0 || own > most.handing_over) example += all;
    }
    EXPECT_GT(calls, 20u) << function;
    EXPECT_LE(slept_anew, calls / 10) << "of " << calls << " calls of " << function << example;
    EXPECT_LE(locked, host_sync_ ? calls / 10 : 0) << "of " << calls << " calls of " << function << example;
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
  /// Of a publish() to few that sleep in the same way: in sync mode host the thread wakes them.
  Most waking() const { return host_sync_ ? Most{.handing_over = 1} : Most{.to_others = 1}; }
  bool host_sync() const { return host_sync_; }

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
  expect_most(produced, "begin", {});
  expect_most(produced, "publish", {.handing_over = handing_over()});
  const auto consumed = marked_calls(trace(consumer.pid(), 2500ms));
  expect_most(consumed, "acquire", {});
  expect_most(consumed, "release", {.handing_over = handing_over()});
  stop_and_check(consumer);
  stop_and_check(producer);
}

TEST_F(SystemCalls, ThePeersSleepAndAFrameCostsOne) {
  auto producer = start_marked_producer("30");
  std::vector<ChildProcess> sleepers;
  for (int i = 0; i < 3; ++i) sleepers.push_back(start_consumer({"--name", "cam", "--mark", "--no-validation"}));
  const auto produced = marked_calls(trace(producer.pid(), 2500ms));
  expect_most(produced, "begin", {});
  expect_most(produced, "publish", waking());
  const auto consumed = marked_calls(trace(sleepers[0].pid(), 2500ms));
  expect_most(consumed, "acquire", {.to_others = 1, .sleeps = true});
  expect_most(consumed, "release", {.handing_over = handing_over()});
  for (auto& sleeper : sleepers) stop_and_check(sleeper);
  stop_and_check(producer);
}

TEST_F(SystemCalls, AnyNumberOfEventLoopsIsWokenByOne) {
  for (const int count : {1, 2, 3, 4, 8}) {
    SCOPED_TRACE(std::to_string(count) + " event loops");
    auto producer = start_marked_producer("30");
    std::vector<ChildProcess> loops;
    for (int i = 0; i < count; ++i)
      loops.push_back(start_consumer({"--name", "cam", "--use-fd", "--mark", "--no-validation"}));
    Most most = waking();
    // To the thread that rings for more than one.
    if (!host_sync() && count > 1) most = {.handing_over = 1};
    expect_most(marked_calls(trace(producer.pid(), 2500ms)), "publish", most);
    // Emptying the descriptor. In sync mode host that takes so long under strace that the thread wants the lock meanwhile,
    // and is woken.
    if (count == 1)
      expect_most(marked_calls(trace(loops[0].pid(), 2500ms)), "acquire",
                  {.to_others = 1, .handing_over = handing_over()});
    for (auto& loop : loops) stop_and_check(loop);
    stop_and_check(producer);
  }
}

}  // namespace
}  // namespace ferry::test
