#include "tests/support/broker_process.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

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

BrokerProcess::BrokerProcess(const std::string& config, Environment environment)
    : socket_(folder_.file("s/ferryd.sock")),
      config_file_(folder_.file("ferryd.toml")),
      log_file_(folder_.file("log")),
      validation_file_(folder_.file("validation")),
      environment_(std::move(environment)) {
  write_file(config_file_, config);
  const bool preloads = std::ranges::any_of(environment_, [](const auto& v) { return v.first == "LD_PRELOAD"; });
  if (!preloads && std::getenv("FERRY_TEST_NO_VALIDATION") == nullptr) validate();
  start();
}

/// Through the loader: the broker has no switch for it, users have no use for one.
void BrokerProcess::validate() {
  const std::string settings = folder_.file("vk_layer_settings.txt");
  write_file(settings, fmt::format("khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG\n"
                                   "khronos_validation.report_flags = error,warn\n"
                                   "khronos_validation.log_filename = {}\n"
                                   "khronos_validation.enables = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT\n",
                                   validation_file_));
  environment_.emplace_back("VK_INSTANCE_LAYERS", "VK_LAYER_KHRONOS_validation");
  environment_.emplace_back("VK_LAYER_SETTINGS_PATH", settings);
}

std::string BrokerProcess::validation_messages() const {
  return ::access(validation_file_.c_str(), F_OK) == 0 ? read_file(validation_file_) : std::string();
}

void BrokerProcess::start(const std::string& program, const Environment& more) {
  const std::string notify_path = folder_.file("notify");
  const platform::UniqueFd notify = bind_notify_socket(notify_path);
  SpawnOptions options;
  options.error_file = log_file_;
  options.environment = environment_;
  for (const auto& [name, value] : more) {
    std::erase_if(options.environment, [&name = name](const auto& variable) { return variable.first == name; });
    options.environment.emplace_back(name, value);
  }
  options.environment.emplace_back("NOTIFY_SOCKET", notify_path);
  process_ = std::make_unique<ChildProcess>(program_folder() + "/" + program,
                                            std::vector<std::string>{"--socket", socket_, "--config", config_file_},
                                            std::move(options));
  if (!says_ready(notify, Deadline(30s), *process_))
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
  if (const std::string said = validation_messages(); !said.empty()) return "validation: " + said;
  for (const auto& name : TempDir::list(folder_.file("s")))
    if (name != "ferryd.sock.lock") return fmt::format("left {} behind", name);
  return {};
}

void BrokerProcess::kill() { process_->kill_now(); }

}  // namespace ferry::test
