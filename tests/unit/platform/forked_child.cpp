#include "forked_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>

namespace ferry::platform::testing {

ForkedChild::ForkedChild(const std::function<int()>& body) {
  pid_ = fork();
  if (pid_ == 0) _exit(body());
  pidfd_.reset(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
}

ForkedChild::~ForkedChild() { kill(); }

std::optional<int> ForkedChild::wait(std::chrono::milliseconds timeout) {
  if (exit_code_) return exit_code_;
  pollfd watched{pidfd_.get(), POLLIN, 0};
  if (poll(&watched, 1, static_cast<int>(timeout.count())) != 1) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return exit_code_;
}

void ForkedChild::kill() {
  if (exit_code_) return;
  ::kill(pid_, SIGKILL);
  wait();
}

bool ForkedChild::wait_until_asleep(std::chrono::milliseconds timeout) const {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < end) {
    std::ifstream stat("/proc/" + std::to_string(pid_) + "/stat");
    std::string text{std::istreambuf_iterator<char>(stat), {}};
    if (const auto comm_end = text.rfind(')'); comm_end != std::string::npos && text.substr(comm_end + 2, 1) == "S")
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

std::size_t count_open_descriptors() {
  const std::filesystem::directory_iterator open("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

}  // namespace ferry::platform::testing
