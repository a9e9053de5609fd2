#pragma once
// A program of ours in a process of its own: it reports in lines of JSON, takes commands on its standard input, and
// never outlives the test.

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "platform/unique_fd.h"
#include "tests/support/deadline.h"

namespace ferry::test {

struct ExitStatus {
  int code = -1;   ///< exit code; -1 when a signal ended it
  int signal = 0;  ///< 0: none
  bool clean() const { return signal == 0 && code == 0; }
};

struct SpawnOptions {
  std::vector<std::pair<std::string, std::string>> environment;  ///< added to ours
  std::string error_file;                                        ///< where its standard error goes; empty: ours
  /// By name: what it is passed as a service manager does (sd_listen_fds_with_names(3)).
  std::vector<std::pair<std::string, platform::UniqueFd>> passed = {};
};

class ChildProcess {
 public:
  ChildProcess(std::string program, std::vector<std::string> arguments, SpawnOptions options = {});
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;
  /// Kills it if it still runs.
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  /// Readable once it has ended.
  const platform::UniqueFd& pidfd() const { return pidfd_; }
  bool running();

  /// Its next line; nothing when it has closed its output. Throws when @p timeout passes.
  std::optional<std::string> read_line(std::chrono::milliseconds timeout);
  std::optional<std::string> read_line(const Deadline& deadline);
  /// The next report whose member "report" is @p kind; others before it are kept in reports(). Throws, with all that
  /// the process has said, when @p timeout passes or the process ends first.
  nlohmann::json wait_report(const std::string& kind, std::chrono::milliseconds timeout = 20s);
  /// As wait_report, for the first report that @p matches.
  template <class Predicate>
  nlohmann::json wait_report_if(const std::string& what, Predicate matches, std::chrono::milliseconds timeout = 20s) {
    const Deadline deadline(timeout);
    for (;;) {
      auto report = next_report(what, deadline);
      if (matches(report)) return report;
    }
  }
  const std::vector<nlohmann::json>& reports() const { return reports_; }

  void send_command(const std::string& line);
  void send_signal(int number);
  /// Throws when it still runs after @p timeout.
  ExitStatus wait_exit(std::chrono::milliseconds timeout = 20s);
  /// SIGKILL, and reaped when this returns.
  void kill_now();
  /// What it wrote to its standard error, if that went to a file.
  std::string error_text() const;

 private:
  nlohmann::json next_report(const std::string& what, const Deadline& deadline);
  std::string describe() const;

  std::string program_;
  std::string error_file_;
  pid_t pid_ = -1;
  std::optional<ExitStatus> exit_;
  platform::UniqueFd pidfd_, input_, output_;
  std::string buffer_;
  std::vector<nlohmann::json> reports_;
};

}  // namespace ferry::test
