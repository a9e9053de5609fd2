#pragma once
// How many slots a generation has.

#include <cstdint>
#include <optional>
#include <span>

#include "proto/frame_taker.h"

namespace ferry::daemon {

/// What one lease can keep from the producer at once.
struct LeaseNeed {
  proto::ConsumerMode mode;
  std::uint32_t max_holds;
  std::uint32_t queue_depth;  ///< kEvery: frames kept for it until it reads them
  bool completed_only = false;  ///< sees only what the GPU has finished, which stays on show beside the newest frame
};

/// Enough for every lease to hold all it declared while one complete frame is on show, one is in reserve, and the
/// producer draws @p frames_in_flight more.
std::uint32_t slots_required(std::uint32_t frames_in_flight, std::span<const LeaseNeed> leases);

/// For a stream without leases: room for two consumers of two frames each, so that the first ones need no new pool.
std::uint32_t initial_slots(std::uint32_t frames_in_flight, std::uint32_t min_slots, std::uint32_t max_slots);

/// A bigger pool if @p current is not enough and may grow: by half at least, so that N consumers cause few generations.
std::optional<std::uint32_t> grown_slots(std::uint32_t current, std::uint32_t required, std::uint32_t max_slots);

}  // namespace ferry::daemon
