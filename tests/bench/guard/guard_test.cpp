// The regression guard: what a frame costs in instructions, system calls and allocations must not grow beyond what
// counts.json has on record. Counts, not times, so that a busy machine changes nothing. And publish()'s promise: one
// system call, whatever the number of consumers that sleep.
//
// After a change that is worth its cost: FERRY_BENCH_RECORD=1 guard_test, and commit counts.json.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/child_process.h"
#include "tests/support/system_call_trace.h"
#include "tests/support/temp_dir.h"

namespace ferry::bench {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using test::ChildProcess;

constexpr const char* kCounts = FERRY_BENCH_COUNTS;  // counts.json in the source tree
constexpr int kFrames = 1000;
constexpr double kTolerance = 1.05;  // of instructions: other patch levels of the compiler and the C library
const char* const kCalls[] = {"ferry_producer_begin", "ferry_producer_publish", "ferry_consumer_acquire",
                              "ferry_consumer_release"};

class Guard : public ::testing::Test {
 protected:
  Guard() : work_(test::program_folder() + "/guard_work"), broker_(work_, {"broker"}, {{}, folder_.file("broker")}) {
    socket_ = broker_.wait_report("ready", 60s)["socket"];
  }
  ~Guard() override { broker_.send_command("stop"); }

  void run(std::string program, std::vector<std::string> arguments) {
    ChildProcess child(std::move(program), std::move(arguments), {{}, folder_.file("errors")});
    child.wait_report("done", 300s);
    ASSERT_TRUE(child.wait_exit(60s).clean()) << child.error_text();
  }

  /// Instructions of each call in a stream with @p consumers, as callgrind counts them.
  void expect_instructions(int consumers) {
    const std::string out = folder_.file("callgrind");
    std::vector<std::string> arguments{"--tool=callgrind", "--callgrind-out-file=" + out, "--compress-strings=no",
                                       "--compress-pos=no"};
    for (const char* call : kCalls) arguments.push_back(std::string("--toggle-collect=") + call);
    arguments.insert(arguments.end(), {work_, socket_, std::to_string(kFrames), std::to_string(consumers)});
    run("/usr/bin/valgrind", arguments);

    // Inclusive counts of what the loop called: "calls=N ..." and the line after it, under the caller.
    std::map<std::string, double> instructions, calls;
    std::istringstream lines(test::read_file(out));
    std::string callee;
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with("cfn=")) callee = line.substr(4);
      if (!line.starts_with("calls=")) continue;
      const double times = std::stod(line.substr(6));
      std::string cost;
      std::getline(lines, cost);
      for (const char* call : kCalls) {
        if (callee != call) continue;
        calls[call] += times;
        instructions[call] += std::stod(cost.substr(cost.find(' ') + 1));
      }
    }
    std::map<std::string, double> each;
    for (const char* call : kCalls) {
      ASSERT_GT(calls[call], 0) << "callgrind saw no call of " << call;
      each[call] = std::round(instructions[call] / calls[call]);
    }
    expect_no_more_than_recorded("instructions, " + std::to_string(consumers) + " consumers", each, kTolerance);
  }

  /// Compares with what is on record, or records it.
  static void expect_no_more_than_recorded(const std::string& what, const std::map<std::string, double>& seen,
                                           double tolerance) {
    json recorded = json::parse(test::read_file(kCounts));
    if (std::getenv("FERRY_BENCH_RECORD") != nullptr) {
      recorded[what] = seen;
      test::write_file(kCounts, recorded.dump(2) + "\n");
      return;
    }
    for (const auto& [name, count] : seen) {
      ASSERT_TRUE(recorded[what].contains(name)) << what << " of " << name << " is not on record in " << kCounts;
      const double limit = recorded[what][name].get<double>() * tolerance;
      EXPECT_LE(count, limit) << what << " of " << name << " a call has grown; on record: " << recorded[what][name];
      RecordProperty(what + " " + name, fmt::format("{:.1f}", count));
    }
  }

  test::TempDir folder_;
  std::string work_, socket_;
  ChildProcess broker_;
};

TEST_F(Guard, Instructions) { expect_instructions(3); }

// What a call costs must hardly grow with the consumers, and not at all for the consumers themselves.
TEST_F(Guard, InstructionsInACrowd) { expect_instructions(64); }

TEST_F(Guard, SystemCalls) {
  if (const std::string why = test::SystemCallTrace::why_not(); !why.empty()) GTEST_SKIP() << why;
  // Of all its threads; what start and end cost falls out of the difference.
  const auto total = [&](int frames) {
    const std::string out = folder_.file("strace" + std::to_string(frames));
    run("/usr/bin/strace", {"-f", "-o", out, work_, socket_, std::to_string(frames), "3"});
    std::istringstream lines(test::read_file(out));
    double count = 0;
    for (std::string line; std::getline(lines, line);) count += line.find('(') != std::string::npos ? 1 : 0;
    return count;
  };
  const double few = total(100), many = total(100 + kFrames);
  // Start-up varies by a handful of calls: threads meet or do not.
  const double a_frame = std::max(0.0, std::floor((many - few) / kFrames * 10) / 10);
  expect_no_more_than_recorded("system calls", {{"frame, peers awake", a_frame}}, 1);
}

TEST_F(Guard, OneSystemCallWakesAnyNumberOfDescriptors) {
  if (const std::string why = test::SystemCallTrace::why_not(); !why.empty()) GTEST_SKIP() << why;
  constexpr int kPublished = 60;
  for (const int consumers : {1, 2, 3, 4, 8}) {
    const std::string out = folder_.file("strace" + std::to_string(consumers));
    run("/usr/bin/strace", {"-f", "-ttt", "-s", "32", "-o", out, work_, socket_, std::to_string(kPublished),
                            std::to_string(consumers), "in-poll"});
    int published = 0, waking = 0;
    for (const test::MarkedCall& call : test::marked_calls(test::read_system_calls(out))) {
      if (call.call != "publish") continue;
      ++published;
      if (!call.inside.empty()) ++waking;
      std::string all;
      for (const test::SystemCall& inside : call.inside) all += "\n  " + inside.text;
      // The first one of a generation also tells the broker that those before are done with.
      const std::size_t most = published == 1 ? 2 : 1;
      EXPECT_LE(call.inside.size(), most) << consumers << " consumers; frame " << published << all;
    }
    EXPECT_EQ(published, kPublished);
    EXPECT_GT(waking, kPublished / 2) << consumers << " consumers: they sleep when a frame comes";
  }
}

TEST_F(Guard, SystemCallsThatWakeACrowd) {
  if (const std::string why = test::SystemCallTrace::why_not(); !why.empty()) GTEST_SKIP() << why;
  const std::string out = folder_.file("strace");
  run("/usr/bin/strace", {"-f", "-o", out, work_, socket_, std::to_string(kFrames / 10), "64", "asleep"});
  // Of the thread that publishes, from its first pause between two frames to its last.
  std::istringstream lines(test::read_file(out));
  std::string main_thread;
  bool publishing = false;
  double since_pause = 0, count = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string thread = line.substr(0, line.find(' '));
    if (main_thread.empty()) main_thread = thread;
    if (thread != main_thread || line.find('(') == std::string::npos) continue;
    if (line.find("nanosleep(") == std::string::npos) {
      ++since_pause;
    } else {
      if (publishing) count += since_pause;
      publishing = true;
      since_pause = 0;
    }
  }
  const double a_frame = count / (kFrames / 10 - 1);
  EXPECT_GT(a_frame, 0.5) << "somebody slept";
  // A lock is met taken now and then.
  expect_no_more_than_recorded("system calls", {{"publish, 64 peers asleep", std::floor(a_frame)}}, 1);
}

TEST_F(Guard, Allocations) {
  ChildProcess child(work_, {socket_, std::to_string(kFrames), "3"}, {{}, folder_.file("errors")});
  const json done = child.wait_report("done", 60s);
  expect_no_more_than_recorded("allocations", {{"frame, 3 consumers", done["allocations"].get<double>() / kFrames}}, 1);
}

}  // namespace
}  // namespace ferry::bench
