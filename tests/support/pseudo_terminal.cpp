#include "tests/support/pseudo_terminal.h"

#include <poll.h>
#include <pty.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "tests/support/deadline.h"

namespace ferry::test {
namespace {

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

PseudoTerminal::PseudoTerminal() {
  int outside = -1, inside = -1;
  if (::openpty(&outside, &inside, nullptr, nullptr, nullptr) != 0) throw std::runtime_error("openpty");
  outside_ = platform::UniqueFd{outside};
  inside_ = platform::UniqueFd{inside};
}

std::string PseudoTerminal::show(const std::string& program, const std::vector<std::string>& arguments,
                                 const std::vector<std::pair<std::string, std::string>>& environment,
                                 std::chrono::milliseconds timeout) {
  std::vector<std::string> argv{program}, envp;
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  for (const auto& [name, value] : environment) envp.push_back(name + "=" + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_adddup2(&actions, inside_.get(), fd);
  posix_spawn_file_actions_addclose(&actions, inside_.get());
  posix_spawn_file_actions_addclose(&actions, outside_.get());
  pid_t pid = -1;
  const int spawned = ::posix_spawn(&pid, program.c_str(), &actions, nullptr, pointers_to(argv).data(), pointers_to(envp).data());
  posix_spawn_file_actions_destroy(&actions);
  if (spawned != 0) throw std::runtime_error("posix_spawn " + program);
  inside_.reset();  // so that reading ends with the program

  std::string shown;
  const Deadline deadline(timeout);
  bool ended = false;
  while (!ended && !deadline.passed()) {
    pollfd readable{outside_.get(), POLLIN, 0};
    if (::poll(&readable, 1, deadline.left_ms()) <= 0) continue;
    char some[4096];
    const ssize_t count = ::read(outside_.get(), some, sizeof some);
    ended = count <= 0;  // EIO: nobody has the other side any more
    if (!ended) shown.append(some, static_cast<std::size_t>(count));
  }
  if (!ended) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  if (!ended || status != 0) throw std::runtime_error(program + " did not end well, having shown: " + shown);
  return shown;
}

}  // namespace ferry::test
