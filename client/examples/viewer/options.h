#pragma once

#include <ferry/ferry.h>

#include <cstdint>
#include <optional>
#include <string>

namespace viewer {

struct Options {
  std::string stream;  ///< empty: chosen in the window
  ferry_consumer_mode mode = FERRY_CONSUMER_LATEST;
  std::string device, socket;
  bool validate = false;

  double exit_after_s = 0;  ///< window: 0 stays open

  bool headless = false;
  std::uint64_t frames = 1;     ///< headless: 0 goes on to the stream's end
  std::string save_path;        ///< headless
  bool verify_stamp = false;    ///< headless
  bool verify_picture = false;  ///< headless
};

/// Nothing when there is nothing to do but exit with @p exit_code: --help, or a mistake that has been explained.
std::optional<Options> parse_options(int argc, char** argv, int& exit_code);

}  // namespace viewer
