// ferry-viewer: a Ferry stream in a window, or read back without one.

#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "client/examples/common/stop_signal.h"
#include "client/examples/viewer/exit_codes.h"
#include "client/examples/viewer/headless.h"
#include "client/examples/viewer/options.h"
#include "client/examples/viewer/window.h"

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto options = viewer::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    examples::stop_on_signals();
    return options->headless ? viewer::run_headless(*options) : viewer::run_window(*options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "ferry-viewer: {}\n", error.what());
    return viewer::kExitFailed;
  }
}
