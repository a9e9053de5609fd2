#pragma once

#include "client/examples/viewer/options.h"

namespace viewer {

/// Shows streams until the window is closed.
void run_window(const Options& options);

}  // namespace viewer
