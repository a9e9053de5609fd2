#pragma once
// Programs as a user starts them: the command line in, exit code and both outputs out.

#include <chrono>
#include <string>

#include "tests/integration/stream_test.h"

namespace ferry::test {

struct Outcome {
  ExitStatus status;
  std::string output, errors;
};
/// For gtest's messages.
std::ostream& operator<<(std::ostream& out, const Outcome& outcome);

/// Everything it starts is validated() and must not give the layer anything to say.
class ProgramTest : public StreamTest {
 protected:
  /// Starts @p program with $FERRY_SOCKET at this test's broker.
  ChildProcess launch(const std::string& program, const Arguments& arguments);
  /// The same, and waits for its end.
  Outcome run(const std::string& program, const Arguments& arguments);
  /// As run(), with $FERRY_SOCKET where nobody listens, and more of the environment replaced by @p environment.
  Outcome run_without_broker(const std::string& program, const Arguments& arguments,
                             BrokerProcess::Environment environment = {});
  /// `ferry source NAME ...`, when its stream exists.
  ChildProcess start_source(const std::string& name, Arguments arguments = {});
  /// What @p process still says, and how it ends.
  static Outcome finish(ChildProcess& process);

  TempDir files_;

 private:
  SpawnOptions options(const std::string& program, const std::string& socket);
  int next_log_ = 0;
};

}  // namespace ferry::test
