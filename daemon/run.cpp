#include "daemon/run.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <utility>

#include "daemon/broker.h"
#include "daemon/kept_entry.h"
#include "daemon/watchdog.h"
#include "platform/clock.h"
#include "platform/service.h"
#include "proto/names.h"

namespace ferry::daemon {
namespace {

using platform::Listener;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

ExitCode fail(const Error& error, ExitCode code) {
  spdlog::error("{}", error.message);
  return code;
}

/// The file, and over it the command line.
Result<Config> configure(const Options& options) {
  const std::string file = options.config_file ? *options.config_file : default_config_file();
  Config config;
  if (!file.empty()) {
    auto loaded = load_config(file);
    if (!loaded) return loaded;
    config = std::move(*loaded);
  }
  if (options.socket_path) config.socket_path = *options.socket_path;
  if (options.device) config.device = *options.device;
  if (options.log_level) config.log_level = *options.log_level;
  if (config.socket_path.empty()) config.socket_path = platform::default_socket_path(false);
  return config;
}

/// Every slot, page and timeline is a descriptor: the soft limit of 1024 is for programs that use select(2).
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("the limit of open descriptors stays as it is");
}

/// Some are needed for everything else: sessions, devices, the log, and what peers send that is not kept.
Limits within_descriptor_limit(Limits limits) {
  rlimit limit{};
  const std::uint64_t elsewhere = 3 * limits.max_sessions + FdBin::kMost + 64;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return limits;
  const std::uint64_t left = limit.rlim_cur > 2 * elsewhere ? limit.rlim_cur - elsewhere : limit.rlim_cur / 2;
  if (limits.max_descriptors <= left) return limits;
  spdlog::info("max_descriptors is {}, because RLIMIT_NOFILE is {}", left, limit.rlim_cur);
  limits.max_descriptors = left;
  return limits;
}

/// The service manager's socket beats the configured path: it listens already, and owns the file.
Result<Listener> listen(const Config& config, std::vector<platform::UniqueFd> passed) {
  if (passed.empty()) return Listener::bind(config.socket_path, config.socket_group);
  if (passed.size() > 1)
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} sockets were passed; ferryd serves 1", passed.size())};
  return Listener::adopt(std::move(passed.front()));
}

/// What the service manager passes, without what is neither a socket nor ours.
platform::Passed take_passed() {
  auto passed = platform::take_passed(is_kept_name);
  for (const platform::PassedFd& unknown : std::exchange(passed.unknown, {}))
    spdlog::warn("'{}', which the service manager has passed, is no socket: it is closed", proto::printable(unknown.name));
  return passed;
}

void log_start(const Broker& broker) {
  const platform::DeviceCapabilities& device = broker.gpus().default_device();
  spdlog::info("ferryd {} (pid {}) listens at {}", FERRY_VERSION, getpid(), broker.socket_path());
  spdlog::info("device '{}' ({}), {}", device.name, to_string(key_of(device)), device.driver);
  spdlog::info("transport {}", device.opaque_fd ? "opaque-fd" : "none: " + device.opaque_fd_reason);
  spdlog::info("sync mode {}", device.timeline_fd ? "timeline: the device exports and imports timeline semaphores"
                                                  : "host: " + device.timeline_fd_reason);
}

/// Above every id of a broker that ran before, since the machine came up: they gave out fewer than a million a second.
std::uint64_t first_id() { return static_cast<std::uint64_t>(platform::now_ns()) / 1000; }

ExitCode serve(const Config& config) {
  boost::asio::io_context io(1);
  // Before the socket is made, so that no signal leaves it behind; one that comes early is kept for async_wait.
  boost::asio::signal_set stop_signals(io, SIGINT, SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);  // a log that nobody reads any more
  raise_descriptor_limit();
  auto passed = take_passed();
  auto listener = listen(config, std::move(passed.sockets));
  if (!listener)
    return fail(listener.error(),
                listener.error().code == ErrorCode::kNameTaken ? ExitCode::kAlreadyServed : ExitCode::kFailure);
  auto gpus = GpuPool::create(config.device);
  if (!gpus) return fail(gpus.error(), ExitCode::kFailure);

  Broker broker(io, within_descriptor_limit(config.limits), Policy(config.rules, geteuid()),
                std::move(*listener), std::move(*gpus), first_id(), FdStore::open(io));
  stop_signals.async_wait([&](boost::system::error_code, int signal) {
    spdlog::info("stopping: {}", signal == SIGINT ? "SIGINT" : "SIGTERM");
    platform::notify_stopping();
    broker.stop("ferryd is shutting down");
    io.stop();
  });
  broker.restore(std::move(passed.stored));
  if (auto started = broker.start(); !started) return fail(started.error(), ExitCode::kFailure);
  auto watchdog = Watchdog::start(io);
  if (!watchdog) return fail(watchdog.error(), ExitCode::kFailure);
  log_start(broker);
  platform::notify_ready(fmt::format("serving {}", broker.socket_path()));
  io.run();
  return ExitCode::kOk;
}

}  // namespace

ExitCode run(const Options& options) try {
  spdlog::set_default_logger(spdlog::stderr_logger_st("ferryd"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e %l: %v");
  spdlog::flush_on(spdlog::level::trace);
  const auto config = configure(options);
  if (!config) return fail(config.error(), ExitCode::kUsage);
  spdlog::set_level(spdlog::level::from_str(config->log_level));
  return serve(*config);
} catch (const std::exception& error) {
  return fail({ErrorCode::kInternal, error.what()}, ExitCode::kFailure);
}

}  // namespace ferry::daemon
