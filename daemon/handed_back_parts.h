#pragma once
// What a session has handed back for one stream, until the claim that uses it up.

#include <optional>
#include <vector>

#include "daemon/lease.h"
#include "ferry_generated.h"
#include "platform/unique_fd.h"
#include "proto/ids.h"

namespace ferry::daemon {

struct HandedBackParts {
  struct GenerationPart {
    wire::GenerationT info;
    std::vector<platform::UniqueFd> fds;
    Reservation descriptors;
    bool by_client = true;  ///< at any time
  };
  struct LeasePart {
    wire::HandBackLeaseT info;
    LeasePagePtr page;
    platform::UniqueFd release_timeline;  ///< invalid without one
    std::optional<Party> party = {};         ///< its consumer, if the service manager has kept it
    bool by_producer = true;
  };
  proto::StreamId stream{};
  std::vector<GenerationPart> generations;
  std::vector<LeasePart> leases;
  std::optional<proto::Error> refused;  ///< a part found no room: the claim is told

  std::uint32_t oldest_generation() const { return generations.empty() ? 0 : generations.front().info.id; }
  std::uint32_t newest_generation() const { return generations.empty() ? 0 : generations.back().info.id; }
};

}  // namespace ferry::daemon
