#pragma once
// Slots that a producer brings (docs/decisions/0014), on their way in.

#include <string>
#include <vector>

#include "daemon/config.h"
#include "daemon/generation.h"
#include "daemon/session.h"
#include "ferry_generated.h"
#include "proto/result.h"

namespace ferry::daemon {

/// @p fds: of @p said, one a slot. Only their number is looked at yet. kInvalidArgument, kLimitExceeded; names @p object.
proto::Result<OwnSlots> take_own_slots(const wire::OwnSlotsT& said, std::vector<platform::UniqueFd> fds,
                                       const Limits& limits, const std::string& object);

/// How a request with the slots @p brought (nullptr: without any) has ended, for whoever asked. A wrong descriptor is its
/// application's mistake: it is refused, and the session goes on. What the broker cannot import is kUnsupported.
proto::Result<void> tell_of_slots(const OwnSlots* brought, Session& session, std::uint64_t request,
                                  proto::Result<void> ended);

}  // namespace ferry::daemon
