#include "daemon/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

namespace ferry::daemon {

ParsedOptions parse_options(int argc, const char* const* argv) {
  ParsedOptions parsed;
  Options& options = parsed.options;
  CLI::App app{"ferryd: lets one process show another process's GPU frames without copying them", "ferryd"};
  app.add_option("--socket", options.socket_path,
                 "Where to listen (default: $FERRY_SOCKET, $XDG_RUNTIME_DIR/ferry/ferryd.sock, /run/ferry/ferryd.sock)")
      ->type_name("PATH")
      ->check([](const std::string& path) { return path.empty() ? std::string("the path is empty") : std::string(); });
  app.add_option("--device", options.device,
                 "Vulkan device: its UUID, its index or a part of its name (default: the first GPU)")
      ->type_name("UUID|INDEX|NAME");
  app.add_option("--config", options.config_file,
                 "Configuration (default: $XDG_CONFIG_HOME/ferry/ferryd.toml, /etc/ferry/ferryd.toml, if one exists)")
      ->type_name("FILE");
  app.add_option("--log-level", options.log_level, "How much to say on standard error (default: info)")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}));
  app.set_version_flag("--version", "ferryd " FERRY_VERSION);
  app.footer(
      "Exit status: 0 stopped by SIGINT or SIGTERM, 1 failure, 2 usage or configuration, 3 another broker holds the "
      "socket.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    parsed.exit = ExitCode::kUsage;
    if (error.get_exit_code() != 0)
      fmt::print(stderr, "ferryd: {}; see ferryd --help\n", error.what());
    else
      parsed.exit = app.exit(error) == 0 ? ExitCode::kOk : ExitCode::kFailure;  // --help, --version
  }
  return parsed;
}

}  // namespace ferry::daemon
