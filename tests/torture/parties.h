#pragma once
// What a fault is to each party: who is started, what it is given to do, and what has to be true afterwards.

#include "tests/torture/ledger.h"
#include "tests/torture/world.h"

namespace ferry::torture {

void inflict_on_consumer(World& world, const Fault& fault, int nth, Outcome& outcome);
void inflict_on_producer(World& world, const Fault& fault, int nth, Outcome& outcome);
void inflict_on_broker(World& world, const Fault& fault, int nth, Outcome& outcome);

/// Another broker: the one before is killed, or says goodbye where @p fault is about that.
void replace_broker(World& world, const Fault& fault);
/// Of "cam", there and back again.
void resize(World& world);
/// "cam" is live and has the consumers that never die.
bool cam_is_back(World& world);

}  // namespace ferry::torture
