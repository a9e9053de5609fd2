#pragma once
// A process that runs one function of the test and ends with what it returns.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>

#include "platform/unique_fd.h"

namespace ferry::platform::testing {

class ForkedChild {
 public:
  explicit ForkedChild(const std::function<int()>& body);
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;
  /// Kills it if it still runs.
  ~ForkedChild();

  pid_t pid() const { return pid_; }
  /// Its exit code, -1 when a signal ended it; nothing when it still runs after @p timeout.
  std::optional<int> wait(std::chrono::milliseconds timeout = std::chrono::seconds(20));
  void kill();
  /// Waits until it sleeps in the kernel. False when it does not before @p timeout.
  bool wait_until_asleep(std::chrono::milliseconds timeout = std::chrono::seconds(20)) const;

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  std::optional<int> exit_code_;
};

/// Number of descriptors this process has open.
std::size_t count_open_descriptors();

}  // namespace ferry::platform::testing
