#pragma once
// What `ferry status` shows. Nothing is counted on the path of a frame for it: it is read from the pages when asked.

#include <cstdint>
#include <string>

#include "daemon/gpu_pool.h"
#include "daemon/budget.h"
#include "daemon/stream_service.h"
#include "proto/frame_record.h"

namespace ferry::daemon {

struct BrokerFacts {
  std::string socket_path;
  std::int64_t started_ns = 0;
  std::size_t sessions = 0;
};

/// Where a page of the answer begins.
struct StatusCursor {
  proto::StreamId stream{};
  proto::LeaseId lease{};  ///< of that stream; what comes before it was on the page before
};

/// One page of the answer, always smaller than a message may be: streams and leases from @p first on, and where to go on.
wire::StatusReplyT report_status(const BrokerFacts& facts, const StreamService& service, const GpuPool& gpus,
                                 const Budget& memory, const Session& asker, StatusCursor first, std::int64_t now_ns);

/// Frames a second x 1000 over what the ring remembers; 0 when the newest is older than two seconds.
std::uint64_t frame_rate_mhz(proto::StreamPageReader frames, std::int64_t now_ns);

}  // namespace ferry::daemon
