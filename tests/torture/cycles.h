#pragma once
// Processes that come and are killed, thousands of them, and what the broker has of them afterwards.

#include <random>

#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

/// @p count times: a process comes to "cam" (or with a stream of its own), gets as far as one of several states, and is
/// killed there. What the broker has of them afterwards must be nothing.
void run_cycles(World& world, int count, std::mt19937& random, Ledger& ledger);

}  // namespace ferry::torture
