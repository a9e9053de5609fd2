#pragma once

#include "client/examples/viewer/options.h"

namespace viewer {

/// Reads frames of a stream back, checks and saves them, prints a summary. Throws when they are not as they should be,
/// or fewer than asked for.
void run_headless(const Options& options);

}  // namespace viewer
