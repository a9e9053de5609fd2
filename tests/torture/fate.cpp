#include "tests/torture/fate.h"

#include <fmt/format.h>
#include <signal.h>

#include <fstream>
#include <thread>

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

std::string awaken(ChildProcess& victim) {
  victim.send_signal(SIGCONT);
  std::this_thread::sleep_for(100ms);
  victim.send_command("stop");
  try {
    const auto last = victim.wait_report_if("an end", [](const auto& report) {
      return report["report"] == "done" || report["report"] == "failed";
    }, 40s);
    victim.wait_exit(20s);
    if (last.contains("all_right") && !last["all_right"]) return "after SIGCONT: " + last.dump();
  } catch (const std::exception& error) {
    return fmt::format("after SIGCONT: {}", error.what());
  }
  return {};
}

}  // namespace ferry::torture
