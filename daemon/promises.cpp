#include "daemon/promises.h"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "proto/pages/recent_frames.h"

namespace ferry::daemon {
namespace {

/// The frames of @p generation that are in the ring and have an acquire point, newest first.
template <class Visit>
void for_each_promised(const proto::StreamPage& page, proto::GenerationId generation, Visit visit) {
  proto::for_each_recent_frame(proto::StreamPageReader(page), [&](const proto::FrameRecord& record) {
    if (proto::GenerationId{record.generation} == generation && record.acquire_point != 0) visit(record);
    return true;
  });
}

}  // namespace

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
  if (promise.on_broken) promise.on_broken(*current);
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
  for_each_promised(page, generation, [&](const proto::FrameRecord& record) { points.push_back(record.acquire_point); });
  return points;
}

std::uint64_t first_unfinished(const proto::StreamPage& page, proto::GenerationId generation, std::uint64_t reached) {
  std::uint64_t first = 0;
  for_each_promised(page, generation, [&](const proto::FrameRecord& record) {
    if (record.acquire_point > reached) first = record.sequence;
  });
  return first;
}

}  // namespace ferry::daemon
