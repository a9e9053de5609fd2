#pragma once
// What the options of the examples have in common.

#include <CLI/CLI.hpp>
#include <map>
#include <string>

#include "client/examples/common/image_format.h"

namespace examples {

/// Parses, or prints why not (or the help) and sets @p exit_code.
inline bool parse_command_line(CLI::App& app, int argc, char** argv, int& exit_code) {
  try {
    app.parse(argc, argv);
    return true;
  } catch (const CLI::ParseError& error) {
    exit_code = app.exit(error);
    return false;
  }
}

inline void add_connection_options(CLI::App& app, std::string& device, std::string& socket, bool& validate) {
  app.add_option("--device", device, "Device UUID, index, or part of the name; default: the broker's")
      ->type_name("DEVICE");
  app.add_option("--socket", socket, "The broker's socket; default: $FERRY_SOCKET, or where ferryd puts it")
      ->type_name("PATH");
  app.add_flag("--validate", validate, "Run under the Vulkan validation layer; its messages fail the program");
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

inline std::map<std::string, ferry_format> format_names() {
  std::map<std::string, ferry_format> names;
  for (const auto& entry : kFormatNames) names.emplace(entry.name, entry.format);
  return names;
}

}  // namespace examples
