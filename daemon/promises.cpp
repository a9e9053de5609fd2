#include "daemon/promises.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace ferry::daemon {

std::uint64_t highest_plausible(std::span<const std::uint64_t> points, std::uint64_t current) {
  std::uint64_t highest = current;
  for (const std::uint64_t point : points)
    if (point > highest && platform::can_reach(current, point)) highest = point;
  return highest;
}

bool is_kept(const Promise& promise) {
  const auto current = promise.timeline->value();
  // Unreadable means that the device is lost: nothing can be signalled, nobody waits.
  return !current || highest_plausible(promise.points(), *current) == *current;
}

void keep_from_host(const Promise& promise) {
  const auto current = promise.timeline->value();
  if (!current) {
    spdlog::warn("{}: {}", promise.what, current.error().message);
    return;
  }
  const std::uint64_t promised = highest_plausible(promise.points(), *current);
  if (promised == *current) return;
  if (auto signalled = promise.timeline->signal(promised); !signalled)
    spdlog::warn("{}: {}", promise.what, signalled.error().message);
  else
    spdlog::info("{} signalled from the host: {} to {}", promise.what, *current, promised);
}

std::vector<std::uint64_t> release_points(const proto::LeasePage& page) {
  std::vector<std::uint64_t> points;
  const proto::LeasePageReader reader(page);
  for (std::uint32_t slot = 0; slot < proto::kMaxSlots; ++slot)
    if (const std::uint64_t point = reader.release_point(slot); point != 0) points.push_back(point);
  return points;
}

std::vector<std::uint64_t> acquire_points(const proto::StreamPage& page, proto::GenerationId generation) {
  std::vector<std::uint64_t> points;
  const proto::StreamPageReader reader(page);
  const std::uint64_t newest = reader.published();
  for (std::uint64_t back = 0; back < proto::kRingFrames && back < newest; ++back) {
    const auto record = reader.read(newest - back);
    if (record && proto::GenerationId{record->generation} == generation && record->acquire_point != 0)
      points.push_back(record->acquire_point);
  }
  return points;
}

}  // namespace ferry::daemon
