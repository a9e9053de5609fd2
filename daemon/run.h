#pragma once
#include "daemon/options.h"

namespace ferry::daemon {

/// The whole life of the broker: from configuration to the signal that ends it.
ExitCode run(const Options& options);

}  // namespace ferry::daemon
