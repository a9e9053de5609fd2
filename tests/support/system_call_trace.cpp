#include "tests/support/system_call_trace.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "tests/support/mark.h"

namespace ferry::test {
namespace {

/// The one that a bundle brought to a machine without, else the system's.
std::string strace() {
  const std::string brought = program_folder() + "/strace";
  return ::access(brought.c_str(), X_OK) == 0 ? brought : "/usr/bin/strace";
}

/// The text of a mark in @p call, or "".
std::string mark_of(const SystemCall& call) {
  const std::string prefix = "write(" + std::to_string(TraceMark::kNoDescriptor) + ", \"";
  if (!call.text.starts_with(prefix)) return {};
  return call.text.substr(prefix.size(), call.text.find('"', prefix.size()) - prefix.size());
}

}  // namespace

std::string SystemCallTrace::why_not() {
  if (::access(strace().c_str(), X_OK) != 0) return "no strace at /usr/bin/strace";
  const TempDir folder;
  ChildProcess probe(strace(), {"-o", folder.file("trace"), "/bin/true"}, {{}, folder.file("errors")});
  if (!probe.wait_exit(10s).clean()) return "strace may not trace here: " + probe.error_text();
  return {};
}

SystemCallTrace::SystemCallTrace(pid_t pid) {
  strace_ = std::make_unique<ChildProcess>(
      strace(),
      std::vector<std::string>{"-f", "-ttt", "-s", "32", "-o", folder_.file("trace"), "-p", std::to_string(pid)},
      SpawnOptions{{}, folder_.file("errors")});
  const Deadline deadline(10s);
  // It says "attached" for each thread, and offers nothing else to wait for.
  while (strace_->error_text().find("attached") == std::string::npos) {
    if (deadline.passed() || !strace_->running())
      throw std::runtime_error("strace did not attach: " + strace_->error_text());
    std::this_thread::sleep_for(10ms);
  }
}

std::vector<SystemCall> SystemCallTrace::finish() {
  strace_->send_signal(SIGINT);
  strace_->wait_exit(10s);
  return read_system_calls(folder_.file("trace"));
}

std::vector<SystemCall> read_system_calls(const std::string& file) {
  std::vector<SystemCall> calls;
  std::istringstream lines(read_file(file));
  for (std::string line; std::getline(lines, line);) {
    SystemCall call;
    std::istringstream words(line);
    words >> call.thread >> call.time_s >> std::ws;
    std::getline(words, call.text);
    // Not a call's beginning: a signal, an exit, the second half of a call that another thread interrupted.
    if (call.text.empty() || call.text[0] == '-' || call.text[0] == '+' || call.text[0] == '<') continue;
    calls.push_back(std::move(call));
  }
  return calls;
}

std::vector<MarkedCall> marked_calls(const std::vector<SystemCall>& trace) {
  std::vector<MarkedCall> finished;
  std::map<std::int64_t, MarkedCall> open;
  for (const SystemCall& call : trace) {
    const std::string mark = mark_of(call);
    if (mark.starts_with("begin ")) {
      open[call.thread] = {mark.substr(6), {}};
    } else if (mark.starts_with("end ")) {
      if (const auto found = open.find(call.thread); found != open.end()) {
        finished.push_back(std::move(found->second));
        open.erase(found);
      }
    } else if (const auto found = open.find(call.thread); found != open.end()) {
      found->second.inside.push_back(call);
    }
  }
  return finished;
}

}  // namespace ferry::test
