#include "tests/support/broker_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "tests/support/layers/validation.h"

namespace ferry::test {
namespace {

/// The receiving end of sd_notify(3).
platform::UniqueFd bind_notify_socket(const std::string& path) {
  platform::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size());
  ::unlink(path.c_str());
  if (!fd || ::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error(fmt::format("cannot bind {}: {}", path, std::strerror(errno)));
  return fd;
}

bool says_ready(const platform::UniqueFd& notify, const Deadline& deadline, ChildProcess& process) {
  while (process.running() && !deadline.passed()) {
    pollfd waits[] = {{notify.get(), POLLIN, 0}, {process.pidfd().get(), POLLIN, 0}};
    if (::poll(waits, std::size(waits), deadline.left_ms()) <= 0 || (waits[0].revents & POLLIN) == 0) continue;
    char text[1024];
    const ssize_t got = ::recv(notify.get(), text, sizeof text, 0);
    if (got > 0 && std::string_view(text, static_cast<std::size_t>(got)).find("READY=1") != std::string_view::npos)
      return true;
  }
  return false;
}

}  // namespace

BrokerProcess::BrokerProcess(const std::string& config, Environment environment, ServiceManager* manager)
    : socket_(folder_.file("s/ferryd.sock")),
      config_file_(folder_.file("ferryd.toml")),
      log_file_(folder_.file("log")),
      validation_file_(folder_.file("validation")),
      environment_(std::move(environment)),
      manager_(manager) {
  write_file(config_file_, config);
  add_environment(environment_, under_validation(folder_.file("vk_layer_settings.txt"), validation_file_));
  start();
}

std::string BrokerProcess::validation_complaint() const {
  return said_of_earlier_ones_ + test::validation_complaint(validation_file_);
}

void BrokerProcess::start(const std::string& program, const Environment& more) {
  // The layer begins the file anew. One that was killed may not have got as far as to load it.
  if (::access(validation_file_.c_str(), F_OK) == 0) {
    said_of_earlier_ones_ += read_file(validation_file_);
    ::unlink(validation_file_.c_str());
  }
  const std::string notify_path = manager_ != nullptr ? manager_->path() : folder_.file("notify");
  const platform::UniqueFd notify = manager_ != nullptr ? platform::UniqueFd() : bind_notify_socket(notify_path);
  SpawnOptions options;
  options.error_file = log_file_;
  options.environment = environment_;
  add_environment(options.environment, more);
  options.environment.emplace_back("NOTIFY_SOCKET", notify_path);
  if (manager_ != nullptr) options.passed = manager_->stored();
  process_ = std::make_unique<ChildProcess>(program.starts_with('/') ? program : program_folder() + "/" + program,
                                            std::vector<std::string>{"--socket", socket_, "--config", config_file_},
                                            std::move(options));
  const bool ready = manager_ != nullptr ? manager_->hear("READY=1", 1, 30s) == 1
                                         : says_ready(notify, Deadline(30s), *process_);
  if (!ready)
    throw std::runtime_error(fmt::format("ferryd did not get ready; its log:\n{}", log()));
}

BrokerProcess::~BrokerProcess() {
  try {
    if (process_ && process_->running()) {
      process_->send_signal(SIGTERM);
      process_->wait_exit(5s);
    }
  } catch (const std::exception&) {
    // ChildProcess kills what does not end; a test that cares calls stop().
  }
}

std::string BrokerProcess::stop() {
  process_->send_signal(SIGTERM);
  const ExitStatus status = process_->wait_exit(10s);
  if (!status.clean()) return fmt::format("exit code {}, signal {}; log:\n{}", status.code, status.signal, log());
  if (std::string complaint = validation_complaint(); !complaint.empty()) return complaint;
  for (const auto& name : TempDir::list(folder_.file("s")))
    if (name != "ferryd.sock.lock") return fmt::format("left {} behind", name);
  return {};
}

void BrokerProcess::kill() { process_->kill_now(); }

}  // namespace ferry::test
