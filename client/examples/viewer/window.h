#pragma once

#include "client/examples/viewer/options.h"

namespace viewer {

/// Shows streams until the window is closed. The program's exit code.
int run_window(const Options& options);

}  // namespace viewer
