#pragma once
// The other end of ChildProcess: commands come in as lines, reports go out as lines of JSON.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>

namespace ferry::test {

/// Prints {"report": @p kind, ...} at once.
void report(const std::string& kind, nlohmann::json members = nlohmann::json::object());

/// Reads standard input in a thread of its own, so that a loop over frames makes no system call to look for commands.
class Commands {
 public:
  Commands();
  ~Commands();

  /// "stop" has come, or the test has gone.
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  /// The oldest command that is not "stop".
  std::optional<std::string> next();
  /// Sleeps until a command comes or @p timeout passes.
  void wait(std::chrono::milliseconds timeout);

 private:
  void read_all();

  std::atomic<bool> stopped_{false};
  std::atomic<std::size_t> waiting_{0};
  std::mutex mutex_;
  std::condition_variable came_;
  std::deque<std::string> lines_;
  int stop_pipe_[2];
  std::thread thread_;
};

}  // namespace ferry::test
