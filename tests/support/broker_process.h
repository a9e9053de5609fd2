#pragma once
// The real ferryd in a process of its own, with its own socket, configuration and log.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/layers/layers.h"
#include "tests/support/service_manager.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {

class BrokerProcess {
 public:
  using Environment = test::Environment;
  /// @p config: text of its configuration file. Returns when the broker says that it is ready. It runs under the
  /// validation layer (layers/validation.h, and see stop()).
  /// @p manager: if not null, whoever starts it, keeps what it stores, and passes it to the next one.
  explicit BrokerProcess(const std::string& config = {}, Environment environment = {}, ServiceManager* manager = nullptr);
  /// Ends it if it still runs.
  ~BrokerProcess();

  const std::string& socket() const { return socket_; }
  pid_t pid() const { return process_->pid(); }
  bool running() { return process_->running(); }
  std::string log() const { return read_file(log_file_); }
  /// What the validation layer had to say of it, or that it was not there.
  std::string validation_complaint() const;
  TempDir& folder() { return folder_; }

  /// SIGTERM; the broker has to end by itself, with exit status 0, and leave no socket behind, and the validation layer
  /// must have been there, and silent. Returns what is wrong.
  std::string stop();
  /// SIGKILL: it has no chance to tidy up.
  void kill();
  /// Again, on the same socket. @p program: another build of it, beside this program or by its whole path; @p more:
  /// environment of this one alone (see add_environment() about layers).
  void start(const std::string& program = "ferryd", const Environment& more = {});
  ChildProcess& process() { return *process_; }

 private:
  TempDir folder_;
  std::string socket_, config_file_, log_file_, validation_file_;
  Environment environment_;
  std::string said_of_earlier_ones_;  ///< by the validation layer
  ServiceManager* manager_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace ferry::test
