#include "client/cli/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "client/cli/exit_code.h"
#include "client/cli/stop_signal.h"

namespace ferry::cli {
namespace {

CommandError failed(const std::string& what) {
  return CommandError(ExitCode::kFailure, fmt::format("{}: {}", what, strerror(errno)));
}

}  // namespace

ChildProcess::ChildProcess(const std::string& program, std::vector<std::string> arguments,
                           const std::string& error_file, const Environment& environment) {
  int to_child[2], from_child[2];
  if (pipe2(to_child, O_CLOEXEC) != 0 || pipe2(from_child, O_CLOEXEC) != 0) throw failed("pipe");
  arguments.insert(arguments.begin(), program);
  std::vector<char*> words;
  for (std::string& word : arguments) words.push_back(word.data());
  words.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) throw failed("fork");
  if (pid_ == 0) {
    // Between fork and exec only what is safe after a fork of a program with threads: it has none yet.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    dup2(to_child[0], STDIN_FILENO);
    dup2(from_child[1], STDOUT_FILENO);
    const int errors = open(error_file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (errors >= 0) dup2(errors, STDERR_FILENO);
    execvp(program.c_str(), words.data());
    _exit(127);
  }
  close(to_child[0]);
  close(from_child[1]);
  input_ = to_child[1];
  output_ = from_child[0];
}

ChildProcess::~ChildProcess() {
  close(input_);
  close(output_);
  if (reaped_) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, &status_, 0);
}

std::optional<std::string> ChildProcess::ask(const std::string& line, std::int64_t timeout_ns) {
  const std::string text = line + '\n';
  // Shorter than a pipe's buffer, which the child has emptied before it answers.
  if (write(input_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) return std::nullopt;
  return read_line(monotonic_ns() + timeout_ns);
}

std::optional<std::string> ChildProcess::read_line(std::int64_t deadline_ns) {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    const std::int64_t left_ns = deadline_ns - monotonic_ns();
    if (left_ns <= 0) return std::nullopt;
    pollfd readable{output_, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>(left_ns / 1'000'000 + 1)) < 0 && errno != EINTR) return std::nullopt;
    if (readable.revents == 0) continue;
    char bytes[4096];
    const ssize_t got = read(output_, bytes, sizeof bytes);
    if (got <= 0) return std::nullopt;
    buffer_.append(bytes, static_cast<std::size_t>(got));
  }
}

bool ChildProcess::running() {
  if (!reaped_) reaped_ = waitpid(pid_, &status_, WNOHANG) == pid_;
  return !reaped_;
}

std::string ChildProcess::obituary() {
  // It has closed its output, and ends now if it ever does.
  for (int i = 0; i < 100 && running(); ++i) poll(nullptr, 0, 10);
  if (!reaped_) return "kept silent";
  if (WIFSIGNALED(status_)) return fmt::format("was ended by signal {} ({})", WTERMSIG(status_), strsignal(WTERMSIG(status_)));
  return fmt::format("ended with exit code {}", WEXITSTATUS(status_));
}

}  // namespace ferry::cli
