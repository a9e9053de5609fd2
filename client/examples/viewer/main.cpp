// ferry-viewer: a Ferry stream in a window, or read back without one.

#include <exception>

#include "client/cli/complaint.h"
#include "client/examples/viewer/headless.h"
#include "client/examples/viewer/options.h"
#include "client/examples/viewer/window.h"

int main(int argc, char** argv) {
  try {
    int exit_code = 0;
    const auto options = viewer::parse_options(argc, argv, exit_code);
    if (!options) return exit_code;
    options->headless ? viewer::run_headless(*options) : viewer::run_window(*options);
    return 0;
  } catch (const std::exception&) {
    return ferry::cli::complain_of_exception("ferry-viewer");
  }
}
