#pragma once
// How the points of a generation cross, whoever describes it.

#include "ferry_generated.h"

namespace ferry::proto {

/// An older broker or client does not say.
inline wire::SyncMode sync_of(const wire::GenerationT& generation) {
  if (generation.has_timeline) return wire::SyncMode::Timeline;
  return generation.sync_mode == wire::SyncMode::SyncFd ? wire::SyncMode::SyncFd : wire::SyncMode::Host;
}

}  // namespace ferry::proto
