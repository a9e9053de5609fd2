#include "tests/support/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/support/temp_dir.h"

namespace ferry::test {
namespace {

constexpr const char* kListenPid = "LISTEN_PID=";
constexpr int kMaxDigits = 12;

struct Pipe {
  platform::UniqueFd read_end, write_end;
};

Pipe make_pipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) throw std::runtime_error(fmt::format("pipe2: {}", std::strerror(errno)));
  return {platform::UniqueFd(fds[0]), platform::UniqueFd(fds[1])};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

std::vector<std::string> merged_environment(const SpawnOptions& options) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const std::string name = text.substr(0, text.find('='));
    bool replaced = false;
    for (const auto& [key, value] : options.environment) replaced |= key == name;
    if (!replaced) result.push_back(text);
  }
  for (const auto& [key, value] : options.environment) result.push_back(key + "=" + value);
  if (!options.passed.empty()) {
    std::string names;
    for (const auto& [name, fd] : options.passed) names += (names.empty() ? "" : ":") + name;
    result.push_back(fmt::format("LISTEN_FDS={}", options.passed.size()));
    result.push_back("LISTEN_FDNAMES=" + names);
    result.push_back(kListenPid + std::string(kMaxDigits, '\0'));  // last: the child writes its number
  }
  return result;
}

/// After fork(): allocates nothing.
void write_number(char* digits, pid_t number) {
  char reversed[kMaxDigits];
  int count = 0;
  for (; number > 0; number /= 10) reversed[count++] = static_cast<char>('0' + number % 10);
  while (count > 0) *digits++ = reversed[--count];
  *digits = '\0';
}

/// As 3, 4, ...; @p above is greater than all of these. They may have any numbers before.
bool place_passed(std::vector<platform::UniqueFd>& fds, int above) {
  for (platform::UniqueFd& fd : fds) {
    fd.reset(::fcntl(fd.get(), F_DUPFD_CLOEXEC, above));
    if (!fd) return false;
  }
  int place = STDERR_FILENO;
  for (const platform::UniqueFd& fd : fds) {
    ++place;
    if (::dup2(fd.get(), place) != place) return false;
  }
  return true;
}

}  // namespace

ChildProcess::ChildProcess(std::string program, std::vector<std::string> arguments, SpawnOptions options)
    : program_(std::move(program)), error_file_(options.error_file) {
  Pipe to_child = make_pipe();
  Pipe from_child = make_pipe();
  platform::UniqueFd error_fd;
  if (!error_file_.empty()) {
    error_fd.reset(::open(error_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
    if (!error_fd) throw std::runtime_error("cannot write " + error_file_);
  }
  // All that allocates happens before fork(): other threads of this process may hold the allocator's lock.
  arguments.insert(arguments.begin(), program_);
  std::vector<std::string> environment = merged_environment(options);
  std::vector<platform::UniqueFd> passed;
  for (auto& [name, fd] : options.passed) passed.push_back(std::move(fd));
  const int above = STDERR_FILENO + 1 + static_cast<int>(passed.size());
  const auto argv = pointers(arguments);
  const auto envp = pointers(environment);
  const pid_t parent = ::getpid();

  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error(fmt::format("fork: {}", std::strerror(errno)));
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    ::dup2(to_child.read_end.get(), STDIN_FILENO);
    ::dup2(from_child.write_end.get(), STDOUT_FILENO);
    if (error_fd) ::dup2(error_fd.get(), STDERR_FILENO);
    if (!passed.empty()) {
      write_number(environment.back().data() + std::strlen(kListenPid), ::getpid());
      if (!place_passed(passed, above)) ::_exit(126);
    }
    ::execve(argv[0], argv.data(), envp.data());
    ::_exit(127);
  }
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  input_ = std::move(to_child.write_end);
  output_ = std::move(from_child.read_end);
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : program_(std::move(other.program_)),
      error_file_(std::move(other.error_file_)),
      pid_(std::exchange(other.pid_, -1)),
      exit_(other.exit_),
      pidfd_(std::move(other.pidfd_)),
      input_(std::move(other.input_)),
      output_(std::move(other.output_)),
      buffer_(std::move(other.buffer_)),
      reports_(std::move(other.reports_)) {}

ChildProcess::~ChildProcess() {
  if (pid_ < 0 || exit_) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

std::string ChildProcess::error_text() const { return error_file_.empty() ? "" : read_file(error_file_); }

std::string ChildProcess::describe() const {
  std::string text = fmt::format("{} (pid {})", program_.substr(program_.rfind('/') + 1), pid_);
  if (exit_) text += fmt::format(", ended with code {} signal {}", exit_->code, exit_->signal);
  if (!reports_.empty()) text += "; last report: " + reports_.back().dump();
  if (const std::string errors = error_text(); !errors.empty()) text += "; its errors:\n" + errors;
  return text;
}

bool ChildProcess::running() {
  if (exit_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_ = WIFEXITED(status) ? ExitStatus{WEXITSTATUS(status), 0} : ExitStatus{-1, WTERMSIG(status)};
  return false;
}

std::optional<std::string> ChildProcess::read_line(std::chrono::milliseconds timeout) { return read_line(Deadline(timeout)); }

std::optional<std::string> ChildProcess::read_line(const Deadline& deadline) {
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd readable{output_.get(), POLLIN, 0};
    const int ready = ::poll(&readable, 1, deadline.left_ms());
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) throw std::runtime_error("no line in time from " + describe());
    char chunk[4096];
    const ssize_t got = ::read(output_.get(), chunk, sizeof chunk);
    if (got <= 0) return std::nullopt;
    buffer_.append(chunk, static_cast<std::size_t>(got));
  }
}

nlohmann::json ChildProcess::next_report(const std::string& what, const Deadline& deadline) {
  for (;;) {
    std::optional<std::string> line;
    try {
      line = read_line(deadline);
    } catch (const std::exception& e) {
      throw std::runtime_error(fmt::format("waiting for \"{}\": {}", what, e.what()));
    }
    if (!line) {
      wait_exit(5s);
      throw std::runtime_error(fmt::format("waiting for \"{}\": {} closed its output", what, describe()));
    }
    auto report = nlohmann::json::parse(*line, nullptr, false);
    if (report.is_discarded() || !report.contains("report")) continue;  // a line of the driver's, say
    reports_.push_back(report);
    return report;
  }
}

nlohmann::json ChildProcess::wait_report(const std::string& kind, std::chrono::milliseconds timeout) {
  return wait_report_if(
      kind, [&](const nlohmann::json& report) { return report["report"] == kind; }, timeout);
}

void ChildProcess::send_command(const std::string& line) {
  const std::string text = line + "\n";
  // The child may have ended by itself: the write then fails, and the report that the test waits for says why.
  struct sigaction ignore {
  }, before{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  const ssize_t written = ::write(input_.get(), text.data(), text.size());
  ::sigaction(SIGPIPE, &before, nullptr);
  if (written < 0 && errno != EPIPE) throw std::runtime_error("cannot write to " + describe());
}

void ChildProcess::send_signal(int number) {
  if (running() && ::kill(pid_, number) != 0)
    throw std::runtime_error(fmt::format("kill({}, {}): {}", pid_, number, std::strerror(errno)));
}

ExitStatus ChildProcess::wait_exit(std::chrono::milliseconds timeout) {
  const Deadline deadline(timeout);
  while (running()) {
    pollfd gone{pidfd_.get(), POLLIN, 0};
    if (::poll(&gone, 1, deadline.left_ms()) == 0 && running())
      throw std::runtime_error(fmt::format("still running after {} ms: {}", timeout.count(), describe()));
  }
  return *exit_;
}

void ChildProcess::kill_now() {
  send_signal(SIGKILL);
  wait_exit(20s);
}

}  // namespace ferry::test
