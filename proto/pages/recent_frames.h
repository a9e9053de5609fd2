#pragma once
// The frames that the ring of a stream page still has, for whoever looks back.

#include "proto/pages/stream_page.h"

namespace ferry::proto {

/// Newest first, until @p visit, which gets a FrameRecord, returns false. Records that are being written are left out. A page that
/// lies about what it has published makes this end early, never late.
template <class Visit>
void for_each_recent_frame(StreamPageReader stream, Visit visit) {
  const std::uint64_t newest = stream.published();
  for (std::uint64_t back = 0; back < kRingFrames && back < newest; ++back)
    if (const auto record = stream.read(newest - back))
      if (!visit(*record)) return;
}

}  // namespace ferry::proto
