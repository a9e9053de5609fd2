// ferry status, ferry list

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <ferry/ferry.hpp>

#include "client/cli/commands.h"
#include "client/cli/exit_code.h"
#include "client/cli/status_model.h"
#include "client/cli/status_view.h"
#include "client/cli/stop_signal.h"
#include "client/cli/terminal.h"

namespace ferry::cli {
namespace {

ConnectOptions connect_options(const std::string& socket) {
  return {.socket_path = socket, .application = "ferry status"};
}

std::string render(const std::string& json, const StatusOptions& options, const Terminal& terminal) {
  if (options.json) return reformat_status(json, options.watch_s.has_value()) + '\n';
  return render_status(parse_status(json), Style(terminal.coloured), terminal.columns);
}

/// A broker that goes away and comes back is followed: nobody who watches one wants to be left alone at that moment.
class Watched {
 public:
  explicit Watched(const StatusOptions& options) : options_(options), connection_(connect_options(options.socket)) {}

  std::string render_now(const Terminal& terminal) {
    try {
      if (!connection_) connection_.emplace(connect_options(options_.socket));
      return render(connection_->status_json(), options_, terminal);
    } catch (const Error& error) {
      if (exit_code_for(error.code()) != ExitCode::kNoBroker) throw;
      connection_.reset();
      return options_.json ? std::string() : fmt::format("{}\n", error.what());
    }
  }

 private:
  const StatusOptions& options_;
  std::optional<Connection> connection_;
};

void watch(const StatusOptions& options) {
  const auto period_ns = static_cast<std::int64_t>(*options.watch_s * 1e9);
  StopSignal stop;
  Watched watched(options);
  std::optional<FullScreen> screen;
  if (terminal_of(STDOUT_FILENO).interactive && !options.json) screen.emplace(STDOUT_FILENO);
  std::int64_t next_ns = monotonic_ns();
  do {
    const std::string text = watched.render_now(terminal_of(STDOUT_FILENO));
    if (screen) {
      screen->show(text);
    } else if (options.json) {
      write_all(STDOUT_FILENO, text);
    } else {
      write_all(STDOUT_FILENO, fmt::format("--- {:%H:%M:%S}\n{}\n", fmt::localtime(std::time(nullptr)), text));
    }
    // From now on after a stop (SIGSTOP, a laptop's sleep): nobody wants the missed ones.
    next_ns = std::max(next_ns + period_ns, monotonic_ns());
  } while (!stop.wait_until(next_ns));
}

}  // namespace

void run_status(const StatusOptions& options) {
  if (options.watch_s) return watch(options);
  Connection connection(connect_options(options.socket));
  write_all(STDOUT_FILENO, render(connection.status_json(), options, terminal_of(STDOUT_FILENO)));
}

void run_list(const ListOptions& options) {
  Connection connection({.socket_path = options.socket, .application = "ferry list"});
  const Status status = parse_status(connection.status_json());
  write_all(STDOUT_FILENO, render_list(status, Style(terminal_of(STDOUT_FILENO).coloured)));
}

}  // namespace ferry::cli
