#pragma once
// A terminal that a test looks at: a program's output as it goes to somebody's screen.

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "platform/unique_fd.h"

namespace ferry::test {

class PseudoTerminal {
 public:
  PseudoTerminal();

  /// The program's side.
  const platform::UniqueFd& inside() const { return inside_; }

  /// Runs @p program, which must end within @p timeout, with this as its standard input and outputs, and with nothing but
  /// @p environment. Returns all that it has shown; throws unless it ends with status 0.
  std::string show(const std::string& program, const std::vector<std::string>& arguments,
                   const std::vector<std::pair<std::string, std::string>>& environment,
                   std::chrono::milliseconds timeout);

 private:
  platform::UniqueFd outside_, inside_;
};

}  // namespace ferry::test
