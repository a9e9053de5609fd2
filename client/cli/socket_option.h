#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace ferry::cli {

/// --socket PATH. An empty path is refused: it is more often a variable that is not set than a wish for the default.
inline CLI::Option* add_socket_option(CLI::App& app, std::string& socket) {
  const auto refuse_empty = [](const std::string& path) {
    return path.empty() ? "the path is empty; without --socket the usual places are tried" : "";
  };
  return app
      .add_option("--socket", socket, "Broker's socket (default: $FERRY_SOCKET, else the user's, else the system's)")
      ->type_name("PATH")
      ->check(CLI::Validator(refuse_empty, "", "not empty"));
}

}  // namespace ferry::cli
