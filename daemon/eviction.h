#pragma once
// Who has to go when a producer finds no slot. Judged from the pages, not from what the producer says: it names the
// suspects and how long it has starved, which hurts nobody but its own stream.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/lease.h"
#include "proto/ids.h"
#include "proto/pages/stream_page.h"

namespace ferry::daemon {

/// What a suspect's page says, copied once.
struct Conduct {
  proto::LeaseId lease{};
  bool in_the_way = false;  ///< holds a slot of the newest generation, has frames in its queue, or its GPU reads a slot
  std::uint32_t held = 0;   ///< slots of all generations
  std::uint32_t may_hold = 0;
  std::int64_t idle_ns = 0;     ///< since its last acquire, or its attachment
  std::int64_t overdue_ns = 0;  ///< how long a frame newer than its last one has been waiting for it
  std::uint32_t unreached = 0;  ///< slots that it let go of and its GPU is not done with
  bool foreign = false;         ///< of another trust domain: the pool was not made for it
};

/// @p host_sync: there a slot stays held until the GPU is done, so that a good consumer holds more than it declared.
Conduct observe(const Lease& lease, proto::StreamPageReader frames, proto::GenerationId newest, bool host_sync,
                std::int64_t now_ns);

struct Eviction {
  proto::LeaseId lease{};
  std::string reason;
};

/// Whoever holds more than it declared; whoever stands still for longer than @p deadline_ns although there are frames
/// for it; and if that is nobody and the producer has starved for so long, the one that has been idle for longest.
/// @p pool_short: there are fewer slots than these leases may hold, so that good ones may stand in each other's way: then
/// one goes at a time, the one that is overdue for longest. Who is foreign is not spared for that, and goes before the others.
std::vector<Eviction> choose_evictions(std::span<const Conduct> suspects, std::int64_t deadline_ns,
                                       std::int64_t starved_ns, bool pool_short);

}  // namespace ferry::daemon
