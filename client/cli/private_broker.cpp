#include "client/cli/private_broker.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "client/cli/exit_code.h"
#include "client/cli/stop_signal.h"

namespace ferry::cli {
namespace {

constexpr std::int64_t kStartPatienceNs = 60'000'000'000;  // drivers load, shaders compile

std::string find_broker() {
  std::error_code ignored;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path() / "ferryd";
  return access(beside.c_str(), X_OK) == 0 ? beside.string() : "ferryd";
}

std::string make_folder() {
  std::string path = (std::filesystem::temp_directory_path() / "ferry-doctor.XXXXXX").string();
  if (mkdtemp(path.data()) == nullptr)
    throw CommandError(ExitCode::kFailure, fmt::format("mkdtemp '{}': {}", path, strerror(errno)));
  return path;
}

/// The receiving end of sd_notify(3).
class NotifySocket {
 public:
  explicit NotifySocket(const std::string& path) : fd_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < sizeof address.sun_path) std::memcpy(address.sun_path, path.c_str(), path.size());
    if (fd_ < 0 || bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw CommandError(ExitCode::kFailure, fmt::format("bind '{}': {}", path, strerror(errno)));
  }
  ~NotifySocket() { close(fd_); }
  NotifySocket(const NotifySocket&) = delete;
  NotifySocket& operator=(const NotifySocket&) = delete;

  bool hears_ready(ChildProcess& process) {
    const std::int64_t deadline_ns = monotonic_ns() + kStartPatienceNs;
    while (process.running() && monotonic_ns() < deadline_ns) {
      pollfd readable{fd_, POLLIN, 0};
      if (poll(&readable, 1, 100) <= 0) continue;
      char text[1024];
      const ssize_t got = recv(fd_, text, sizeof text, 0);
      if (got > 0 && std::string_view(text, static_cast<std::size_t>(got)).find("READY=1") != std::string_view::npos)
        return true;
    }
    return false;
  }

 private:
  int fd_;
};

/// The last line that is not empty.
std::string last_line(const std::string& path) {
  std::ifstream file(path);
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty()) last = line;
  return last;
}

}  // namespace

PrivateBroker::PrivateBroker() : folder_(make_folder()) {
  NotifySocket notify(file("notify"));
  std::ofstream(file("ferryd.toml")).close();  // not the user's configuration
  const std::string program = find_broker();
  process_ = std::make_unique<ChildProcess>(
      program, std::vector<std::string>{"--socket", socket(), "--config", file("ferryd.toml")}, file("ferryd.log"),
      ChildProcess::Environment{{"NOTIFY_SOCKET", file("notify")}});
  if (notify.hears_ready(*process_)) return;
  const std::string why = last_line(file("ferryd.log"));
  const std::string end = process_->obituary();
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  throw CommandError(ExitCode::kFailure, fmt::format("'{}' {}{}{}", program, end, why.empty() ? "" : ": ", why));
}

PrivateBroker::~PrivateBroker() {
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace ferry::cli
