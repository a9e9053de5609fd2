#include "tests/integration/cli/program_test.h"

namespace ferry::test {

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << "exit code " << outcome.status.code << ", signal " << outcome.status.signal << "\n-- output:\n"
             << outcome.output << "-- errors:\n"
             << outcome.errors;
}

SpawnOptions ProgramTest::options(const std::string& program, const std::string& socket) {
  return validated({{{"FERRY_SOCKET", socket}}, files_.file(program + std::to_string(next_log_++) + ".log")});
}

ChildProcess ProgramTest::launch(const std::string& program, const Arguments& arguments) {
  return ChildProcess(program_folder() + "/" + program, arguments, options(program, broker_.socket()));
}

Outcome ProgramTest::run(const std::string& program, const Arguments& arguments) {
  ChildProcess process = launch(program, arguments);
  return finish(process);
}

Outcome ProgramTest::run_without_broker(const std::string& program, const Arguments& arguments,
                                        BrokerProcess::Environment environment) {
  SpawnOptions spawn = options(program, files_.file("nobody.sock"));
  spawn.environment.insert(spawn.environment.end(), environment.begin(), environment.end());
  ChildProcess process(program_folder() + "/" + program, arguments, std::move(spawn));
  return finish(process);
}

ChildProcess ProgramTest::start_source(const std::string& name, Arguments arguments) {
  arguments.insert(arguments.begin(), "source");
  arguments.insert(arguments.end(), {"--", name});
  ChildProcess source = launch("ferry", arguments);
  if (!source.read_line(60s)) ADD_FAILURE() << finish(source);
  return source;
}

Outcome ProgramTest::finish(ChildProcess& process) {
  Outcome outcome;
  while (const auto line = process.read_line(90s)) outcome.output += *line + "\n";
  outcome.status = process.wait_exit(60s);
  outcome.errors = process.error_text();
  return outcome;
}

}  // namespace ferry::test
