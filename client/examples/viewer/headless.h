#pragma once

#include "client/examples/viewer/options.h"

namespace viewer {

/// Reads frames of a stream back, checks and saves them, prints a summary. The program's exit code.
int run_headless(const Options& options);

}  // namespace viewer
