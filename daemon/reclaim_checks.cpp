#include "daemon/reclaim_checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace ferry::daemon {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

namespace {

/// How far a claimed number may lie above what was handed back with it.
constexpr std::uint32_t kMaxGenerationsAhead = 1u << 16;
constexpr std::uint32_t kMaxProducers = 1u << 30;
constexpr std::uint64_t kMaxSequence = std::uint64_t{1} << 62;

}  // namespace

Result<void> check_writer(const platform::UniqueFd& page, const proto::PageWriter& writer, const Process& claimer,
                          const std::string& what) {
  const auto file = platform::identify_file(page);
  if (!file) return file.error();
  const auto pid = writer.pid.load(std::memory_order_relaxed);
  const auto started = writer.started_ticks.load(std::memory_order_relaxed);
  const std::uint64_t claimers_start = claimer.identity().started_ticks;
  const bool same_start = started == 0 || claimers_start == 0 || started == claimers_start;
  if (pid == static_cast<std::uint32_t>(claimer.pid()) && same_start && file->owner == claimer.uid()) return {};
  return Error{ErrorCode::kPermissionDenied,
               fmt::format("{} is process {}'s (uid {}, started at tick {}), not that of process {} (uid {}, tick {})", what,
                           pid, file->owner, started, claimer.pid(), claimer.uid(), claimers_start)};
}

Result<Past> check_past(std::uint32_t newest_generation, std::uint32_t producers, std::uint64_t next_sequence,
                        std::uint32_t newest_handed, const std::string& what) {
  auto invalid = [&](std::string text) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("{} for {}", text, what)};
  };
  if (newest_generation > newest_handed && newest_generation - newest_handed > kMaxGenerationsAhead)
    return invalid(fmt::format("newest generation {} is more than {} above generation {}", newest_generation,
                               kMaxGenerationsAhead, newest_handed));
  if (next_sequence == 0 || next_sequence > kMaxSequence)
    return invalid(fmt::format("next frame {} is outside 1 to {}", next_sequence, kMaxSequence));
  if (producers > kMaxProducers) return invalid(fmt::format("{} producers, more than {}", producers, kMaxProducers));
  return Past{proto::GenerationId{std::max(newest_generation, newest_handed)}, std::max(producers, 1u), next_sequence};
}

}  // namespace ferry::daemon
