#pragma once
// Processes that come and are killed, thousands of them, and what the broker has of them afterwards.

#include <string>

#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

/// @p count times: a process attaches to "cam" (or creates a stream) and is killed. What is left of them must be nothing.
void run_cycles(World& world, int count, Ledger& ledger);

}  // namespace ferry::torture
