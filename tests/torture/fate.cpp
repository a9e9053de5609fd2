#include "tests/torture/fate.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "ferry/ferry.h"
#include "tests/torture/places.h"

namespace ferry::torture {

using namespace std::chrono_literals;
using test::ChildProcess;
using test::Deadline;

namespace {

bool is_stopped(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto end = text.rfind(')');
  return end != std::string::npos && text.size() > end + 2 && text[end + 2] == 'T';
}

/// Until @p process has died or stopped by itself.
bool meets_its_fate(ChildProcess& process, std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  while (process.running() && !is_stopped(process.pid())) {
    if (deadline.passed()) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

/// An application that is evicted learns it, and why, from acquire(); from an event too if it waits for that.
bool was_told_of_its_eviction(const ChildProcess& process) {
  return std::ranges::any_of(process.reports(), [](const auto& report) {
    return report["report"] == "ended" && report["code"] == FERRY_ERROR_EVICTED && !report["text"].template get<std::string>().empty();
  });
}

bool says_well(const ChildProcess& process, const nlohmann::json& last, const test::ExitStatus& exit, End allowed) {
  if (last["report"] == "failed") {
    if (exit.signal != 0 || exit.code != 1) return false;
    const int code = last["code"];
    if (allowed == End::kGivenUp) return code == FERRY_ERROR_TIMEOUT;
    if (allowed == End::kRefused) return code == FERRY_ERROR_NOT_FOUND || code == FERRY_ERROR_NAME_TAKEN;
    return allowed == End::kDoneOrNoBroker &&
           (code == FERRY_ERROR_TIMEOUT || code == FERRY_ERROR_NO_BROKER || code == FERRY_ERROR_DISCONNECTED);
  }
  if (!exit.clean() || allowed == End::kGivenUp || allowed == End::kRefused) return false;
  if (!last.value("all_right", true)) return false;  // a producer's books have no such word
  const std::string why = last.value("ended", "stopped");
  return why == "stopped" || why == "goal" || (allowed == End::kDoneOrEvicted && why == "FERRY_ERROR_EVICTED" && was_told_of_its_eviction(process));
}

bool is_place_of_ours(const Fault& fault) { return fault.where == kAnyTime || fault.where == kWorkQueued; }

}  // namespace

std::string point_of(const Fault& fault, int nth) {
  if (is_place_of_ours(fault)) return {};
  return fmt::format("{}:{}:{}", fault.where, nth, stops(fault) ? "stop" : "kill");
}

bool await_fate(ChildProcess& victim, const Fault& fault, int nth) {
  const bool ours = is_place_of_ours(fault);
  if (!ours && meets_its_fate(victim, 4s)) return true;
  if (fault.where == kAnyTime) std::this_thread::sleep_for(std::chrono::milliseconds(110 * nth));
  if (fault.where == kWorkQueued) victim.wait_report("hanging", 30s);
  if (!victim.running()) return false;
  victim.send_signal(stops(fault) ? SIGSTOP : SIGKILL);
  return meets_its_fate(victim, 10s) && ours;
}

std::string judge_end(ChildProcess& process, End allowed) try {
  const auto last = process.wait_report_if("an end", [](const auto& report) {
    return report["report"] == "done" || report["report"] == "failed";
  }, 40s);
  const test::ExitStatus exit = process.wait_exit(20s);
  if (says_well(process, last, exit, allowed)) return {};
  return fmt::format("exit code {}, signal {}, {}; ", exit.code, exit.signal, last.dump());
} catch (const std::exception& error) {
  return fmt::format("{}; ", error.what());
}

std::string awaken(ChildProcess& victim, End allowed) {
  victim.send_signal(SIGCONT);
  std::this_thread::sleep_for(100ms);
  victim.send_command("stop");
  const std::string wrong = judge_end(victim, allowed);
  return wrong.empty() ? "" : "after SIGCONT: " + wrong;
}

}  // namespace ferry::torture
