#pragma once
// What the options of the examples have in common.

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <map>
#include <string>

#include "client/cli/complaint.h"
#include "client/cli/socket_option.h"
#include "client/cli/version_text.h"
#include "client/examples/common/image_format.h"

namespace examples {

/// "PROGRAM: what (PROGRAM --help)"; the exit code.
inline int complain_of_usage(const CLI::App& app, const std::string& what) {
  return ferry::cli::complain(app.get_name(), ferry::cli::ExitCode::kUsage, what, app.get_name() + " --help");
}

/// Parses, or prints why not (or the help, or the version) and sets @p exit_code.
inline bool parse_command_line(CLI::App& app, int argc, char** argv, int& exit_code) {
  app.set_version_flag("--version", ferry::cli::version_text(app.get_name()));
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    exit_code = error.get_exit_code() == 0 ? app.exit(error) : complain_of_usage(app, error.what());
    return false;
  }
}

inline void add_connection_options(CLI::App& app, std::string& device, std::string& socket, bool& validate) {
  app.add_option("--device", device, "Device UUID, index, or part of the name; default: the broker's")
      ->type_name("DEVICE");
  ferry::cli::add_socket_option(app, socket);
  app.add_flag("--validate", validate, "Run under the Vulkan validation layer; its messages fail the program");
}

/// A whole number from 0 up. CLI11's own reading of it takes -3 for one, too.
inline CLI::Option* add_count(CLI::App& app, const std::string& flag, std::uint64_t& count, const std::string& help) {
  return app
      .add_option_function<std::string>(
          flag,
          [&count, flag](const std::string& text) {
            const char* const end = text.data() + text.size();
            const auto parsed = std::from_chars(text.data(), end, count);
            if (parsed.ec != std::errc{} || parsed.ptr != end)
              throw CLI::ValidationError(flag, "'" + text + "' is not a whole number from 0 up");
          },
          help)
      ->type_name("N");
}

/// An option whose values have names, in any case.
template <class Value>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, Value& value, const std::map<std::string, Value>& names,
                        const std::string& help) {
  std::string all;
  for (const auto& [name, unused] : names) all += (all.empty() ? "" : "|") + name;
  return app.add_option(flag, value, help)
      ->transform(CLI::CheckedTransformer(names, CLI::ignore_case).description(""))
      ->type_name(all);
}

/// Those that can be rendered to.
inline std::map<std::string, ferry_format> format_names() {
  std::map<std::string, ferry_format> names;
  for (const auto& entry : kFormatNames)
    if (!is_yuv(entry.format)) names.emplace(entry.name, entry.format);
  return names;
}

}  // namespace examples
