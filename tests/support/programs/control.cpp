#include "tests/support/programs/control.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

namespace ferry::test {

void report(const std::string& kind, nlohmann::json members) {
  members["report"] = kind;
  const std::string line = members.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

Commands::Commands() {
  if (::pipe(stop_pipe_) != 0) throw std::runtime_error("pipe failed");
  thread_ = std::thread([this] { read_all(); });
}

Commands::~Commands() {
  ::close(stop_pipe_[1]);
  thread_.join();
  ::close(stop_pipe_[0]);
}

void Commands::read_all() {
  std::string buffer;
  for (;;) {
    pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {stop_pipe_[0], POLLIN, 0}};
    if (::poll(fds, 2, -1) < 0) continue;
    if (fds[1].revents != 0) return;
    char chunk[512];
    const ssize_t got = ::read(STDIN_FILENO, chunk, sizeof chunk);
    const std::lock_guard lock(mutex_);
    if (got <= 0) stopped_ = true;
    buffer.append(chunk, got > 0 ? static_cast<std::size_t>(got) : 0);
    for (std::size_t end; (end = buffer.find('\n')) != std::string::npos; buffer.erase(0, end + 1)) {
      const std::string line = buffer.substr(0, end);
      if (line == "stop") {
        stopped_ = true;
      } else {
        lines_.push_back(line);
        waiting_ = lines_.size();
      }
    }
    came_.notify_all();
    if (got <= 0) return;
  }
}

std::optional<std::string> Commands::next() {
  if (waiting_.load(std::memory_order_relaxed) == 0) return std::nullopt;
  const std::lock_guard lock(mutex_);
  std::string line = std::move(lines_.front());
  lines_.pop_front();
  waiting_ = lines_.size();
  return line;
}

void Commands::wait(std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, timeout, [&] { return stopped_ || !lines_.empty(); });
}

}  // namespace ferry::test
