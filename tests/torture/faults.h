#pragma once
// One fault at a time: a process that dies or stops at a place, and a look at the others.

#include "tests/torture/gap_bound.h"
#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

/// Brings @p fault upon @p world. @p nth: at which pass of the place.
Outcome inflict(World& world, const Fault& fault, int nth, const GapBound& bound);

/// The same with nothing that dies: what the gaps of this machine are while a consumer comes, a stream is resized, and
/// the consumer goes.
Outcome inflict_nothing(World& world);
inline const Fault kNothing{"nobody", "", "a consumer comes, a resize, it goes"};

}  // namespace ferry::torture
