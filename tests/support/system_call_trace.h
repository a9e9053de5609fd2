#pragma once
// strace(1) on a process of ours, and what its lines say.

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace ferry::test {

struct SystemCall {
  std::int64_t thread = 0;
  double time_s = 0;
  std::string text;  ///< as strace writes it
  std::string name() const { return text.substr(0, text.find('(')); }
};

class SystemCallTrace {
 public:
  /// "" when strace is here and may attach to processes, else why not.
  static std::string why_not();

  /// Attaches to every thread of @p pid; returns when it has.
  explicit SystemCallTrace(pid_t pid);
  /// Detaches and reads what was seen: calls in the order in which they began.
  std::vector<SystemCall> finish();

 private:
  TempDir folder_;
  std::unique_ptr<ChildProcess> strace_;
};

/// What strace wrote to @p file with -f -ttt.
std::vector<SystemCall> read_system_calls(const std::string& file);

/// What happened between the marks (mark.h) of one call, on the thread that made it.
struct MarkedCall {
  std::string call;
  std::vector<SystemCall> inside;
};
std::vector<MarkedCall> marked_calls(const std::vector<SystemCall>& trace);

}  // namespace ferry::test
