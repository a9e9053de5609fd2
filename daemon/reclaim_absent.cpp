// StreamService: who is expected back after a broker has gone, and does not come (docs/decisions/0007).

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <chrono>

#include "daemon/stream_service.h"
#include "platform/clock.h"
#include "platform/file_identity.h"
#include "proto/names.h"

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::LeaseId;
using proto::Result;
using proto::StreamId;

/// The process that a page names as its writer. An error means that nobody knows.
Result<std::shared_ptr<Process>> StreamService::writer_of(const platform::UniqueFd& page,
                                                          const proto::PageWriter& writer) const {
  const auto pid = static_cast<pid_t>(writer.pid.load(std::memory_order_relaxed));
  const auto file = platform::identify_file(page);
  if (!file) return file.error();
  auto identity = platform::identify_process(pid, writer.started_ticks.load(std::memory_order_relaxed));
  if (!identity) {
    if (identity.error().code == ErrorCode::kNotFound) return Process::departed(pid);
    return std::move(identity).error();
  }
  if (identity->uid != file->owner)
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("process {} is uid {}'s, the page that names it is uid {}'s", pid, identity->uid, file->owner)};
  return Process::watch(io_, std::move(*identity));
}

Result<void> StreamService::await_absent() {
  if (grace_armed_) return {};
  if (!grace_) {
    auto timer = Timer::create(io_, [this] { give_up_absent(); });
    if (!timer) return std::move(timer).error();
    grace_ = std::move(*timer);
  }
  grace_armed_ = true;
  grace_->arm(std::chrono::milliseconds(limits_.reclaim_grace_ms));
  return {};
}

void StreamService::give_up_absent() {
  grace_armed_ = false;
  const std::int64_t since_ns = platform::now_ns() - grace_ns();
  bool some_left = false;
  std::vector<StreamId> touched;
  std::vector<StreamId> settled;
  for (const auto& [id, stream] : streams_) {
    if (stream->expects_others_until_ns != 0) settled.push_back(id);
    std::vector<std::pair<LeaseId, std::shared_ptr<Process>>> late;
    for (const AbsentLease& lease : stream->absent()) {
      if (lease.since_ns > since_ns) {
        some_left = true;
        continue;
      }
      late.emplace_back(lease.id, lease.process);
    }
    for (const auto& [lease, process] : late) {
      stream->give_up(lease, fmt::format("not within {} ms (reclaim_grace_ms)", limits_.reclaim_grace_ms));
      if (process->owes()) await_departure(process);
    }
    if (!late.empty()) touched.push_back(id);
  }
  for (const StreamId id : touched) drop_if_unused(id);
  for (const StreamId id : settled) {
    Stream* stream = find(id);
    if (stream == nullptr) continue;
    if (stream->expects_others_until_ns > platform::now_ns()) {
      some_left = true;
      continue;
    }
    stream->expects_others_until_ns = 0;
    serve_waiting(*stream);
    drop_if_unused(id);
  }
  waiting_claims_.remove_if([&](const LeaseClaim& claim) {
    if (claim.since_ns > since_ns) {
      some_left = true;
      return false;
    }
    claim.session->refuse(claim.request, {ErrorCode::kNotFound, fmt::format("nobody has handed stream '{}' back",
                                                                            proto::printable(claim.asked->name))});
    return true;
  });
  // Whoever did not want to wait for a stream waited for this one to settle; it may have ended instead.
  waiting_.remove_if([&](const Waiting& waiting) {
    if (waiting.for_ever || find(waiting.wish.stream) != nullptr) return false;
    waiting.session->refuse(waiting.request, {ErrorCode::kNotFound, fmt::format("there is no stream '{}'",
                                                                                proto::printable(waiting.wish.stream))});
    return true;
  });
  if (!some_left)
    grace_.reset();
  else
    (void)await_absent();  // it has its timer
}

/// Stopped, say: what it has promised is kept for it when it is gone.
void StreamService::await_departure(const std::shared_ptr<Process>& process) {
  departing_.push_back(process);
  process->when_gone([this] {
    // Not now: it is the one that calls.
    boost::asio::post(io_, [this] { std::erase_if(departing_, [](const auto& gone) { return gone->gone(); }); });
  });
}

}  // namespace ferry::daemon
