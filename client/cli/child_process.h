#pragma once
// A program in a process of its own that answers lines with lines. It never outlives this one.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace ferry::cli {

class ChildProcess {
 public:
  using Environment = std::vector<std::pair<std::string, std::string>>;  ///< added to ours
  /// Its standard error goes to @p error_file. Throws CommandError when it cannot be started.
  ChildProcess(const std::string& program, std::vector<std::string> arguments, const std::string& error_file,
               const Environment& environment = {});
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Sends @p line and gives back the next line; nothing when it has died or says nothing for @p timeout_ns.
  std::optional<std::string> ask(const std::string& line, std::int64_t timeout_ns);
  /// Whether it still runs.
  bool running();
  /// "exit code 1", "signal 11", "kept silent": after ask() gave nothing.
  std::string obituary();

 private:
  std::optional<std::string> read_line(std::int64_t deadline_ns);

  pid_t pid_ = -1;
  int input_ = -1, output_ = -1;
  int status_ = 0;
  bool reaped_ = false;
  std::string buffer_;
};

}  // namespace ferry::cli
