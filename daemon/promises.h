#pragma once
// Points on a timeline that a process promised to signal, and what is done about them when it is gone for good.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "platform/timeline.h"
#include "proto/ids.h"
#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"

namespace ferry::daemon {

struct Promise {
  std::shared_ptr<platform::Timeline> timeline;
  /// Every point promised so far, as the promiser's page says now: a stranger's numbers.
  std::function<std::vector<std::uint64_t>()> points;
  std::string what;  ///< for the log: "release timeline of lease 7"
  /// Told, before the signal, which point the promiser's GPU had reached when it was gone. May be empty.
  std::function<void(std::uint64_t reached)> on_broken = {};
};

/// The highest of @p points that a timeline at @p current can be signalled to (platform::kMaxTimelineJump); @p current if
/// there is none. Clients wait for no point beyond that.
std::uint64_t highest_plausible(std::span<const std::uint64_t> points, std::uint64_t current);

/// Whether nobody can be waiting for a promised point any more.
bool is_kept(const Promise& promise);

/// Signals from the host what was promised. Only when the kernel says that the promiser is gone: a point must not be
/// signalled twice, and by now nothing else can.
void keep_from_host(const Promise& promise);

std::vector<std::uint64_t> release_points(const proto::LeasePage& page);
/// Of the frames of @p generation that are still in the ring.
std::vector<std::uint64_t> acquire_points(const proto::StreamPage& page, proto::GenerationId generation);
/// The first of those frames whose acquire point is beyond @p reached; 0 if there is none.
std::uint64_t first_unfinished(const proto::StreamPage& page, proto::GenerationId generation, std::uint64_t reached);

}  // namespace ferry::daemon
