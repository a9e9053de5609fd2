#pragma once
// One fault at a time: a process that dies or stops at a place, and a look at the others.

#include <vector>

#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

/// Every fault there is: each party, each signal, each of its places.
std::vector<Fault> all_faults();

/// How often a process comes by the place of @p fault: at which pass of them it may be.
int passes_of(const Fault& fault);

/// Brings @p fault upon @p world. @p nth: at which pass of the place.
Outcome inflict(World& world, const Fault& fault, int nth);

}  // namespace ferry::torture
