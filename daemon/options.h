#pragma once
// The command line of ferryd. What it says beats the configuration file.

#include <optional>
#include <string>

namespace ferry::daemon {

/// What ferryd ends with; --help lists them for users.
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,        ///< something at run time: no Vulkan device, no permission, a defect
  kUsage = 2,          ///< command line or configuration
  kAlreadyServed = 3,  ///< another broker holds the socket
};

struct Options {
  std::optional<std::string> socket_path, device, config_file, log_level;
};

struct ParsedOptions {
  Options options;
  std::optional<ExitCode> exit;  ///< --help, --version or a usage error: the text is printed already
};

ParsedOptions parse_options(int argc, const char* const* argv);

}  // namespace ferry::daemon
