#include "daemon/pool_size.h"

#include <algorithm>

#include "proto/limits.h"

namespace ferry::daemon {
namespace {

constexpr std::uint32_t kOnShowAndReserve = 2;
constexpr std::uint32_t kExpectedHolds = 4;

}  // namespace

std::uint32_t slots_required(std::uint32_t frames_in_flight, std::span<const LeaseNeed> leases) {
  std::uint32_t slots = kOnShowAndReserve + frames_in_flight;
  for (const LeaseNeed& lease : leases)
    slots += lease.max_holds + (lease.mode == proto::ConsumerMode::kEvery ? lease.queue_depth : 0);
  if (std::any_of(leases.begin(), leases.end(), [](const LeaseNeed& lease) { return lease.completed_only; })) ++slots;
  return slots;
}

std::uint32_t initial_slots(std::uint32_t frames_in_flight, std::uint32_t min_slots, std::uint32_t max_slots) {
  const std::uint32_t wanted =
      std::max({proto::kMinSlots, min_slots, kOnShowAndReserve + frames_in_flight + kExpectedHolds});
  return std::min(wanted, max_slots);
}

std::optional<std::uint32_t> grown_slots(std::uint32_t current, std::uint32_t required, std::uint32_t max_slots) {
  if (required <= current || current >= max_slots) return std::nullopt;
  return std::min(max_slots, std::max(required, current + (current + 1) / 2));
}

}  // namespace ferry::daemon
