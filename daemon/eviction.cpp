#include "daemon/eviction.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace ferry::daemon {
namespace {

std::int64_t age_ns(std::uint64_t then_ns, std::int64_t now_ns) {
  // A time in the future is a lie, and counts as never.
  return then_ns > static_cast<std::uint64_t>(now_ns) ? now_ns : now_ns - static_cast<std::int64_t>(then_ns);
}

}  // namespace

Conduct observe(const Lease& lease, proto::StreamPageReader frames, proto::GenerationId newest, bool host_sync,
                std::int64_t now_ns) {
  const proto::LeasePageReader page(lease.page->page());
  Conduct conduct;
  conduct.lease = lease.id;
  conduct.foreign = lease.foreign;
  // One more than declared for the moment in which acquire() looks at a slot; in sync mode host as many again for what
  // the GPU still reads.
  conduct.may_hold = lease.need.max_holds * (host_sync ? 2 : 1) + 1;
  const auto reached = lease.release_timeline ? lease.release_timeline->value() : proto::Result<std::uint64_t>(0);
  for (std::uint32_t slot = 0; slot < proto::kMaxSlots; ++slot) {
    if (const std::uint64_t point = page.release_point(slot); lease.release_timeline && reached && point > *reached && platform::can_reach(*reached, point)) {
      ++conduct.unreached;
      conduct.in_the_way = true;
    }
    const std::uint64_t generation = page.page().slots[slot].held.load(std::memory_order_seq_cst);
    if (generation != 0) ++conduct.held;
    if (generation == raw(newest)) conduct.in_the_way = true;
  }
  const std::uint64_t published = frames.published();
  const std::uint64_t cursor = page.cursor();
  const std::uint64_t attached_ns = static_cast<std::uint64_t>(lease.attached_ns);
  const std::uint64_t heartbeat_ns = page.page().heartbeat_ns.load(std::memory_order_relaxed);
  conduct.idle_ns = age_ns(std::max(heartbeat_ns, attached_ns), now_ns);
  if (cursor < published) {
    const auto next = frames.read(cursor + 1);
    // Not in the ring any more: at least as old as everything that is.
    conduct.overdue_ns = next ? std::min(conduct.idle_ns, age_ns(next->produced_ns, now_ns)) : conduct.idle_ns;
    if (lease.need.mode == proto::ConsumerMode::kEvery) conduct.in_the_way = true;
  }
  return conduct;
}

std::vector<Eviction> choose_evictions(std::span<const Conduct> suspects, std::int64_t deadline_ns,
                                       std::int64_t starved_ns, bool pool_short) {
  constexpr std::int64_t kMs = 1'000'000;
  std::vector<Eviction> evictions;
  const Conduct* longest_idle = nullptr;
  const Conduct* longest_overdue = nullptr;
  auto of_its_gpu = [](const Conduct& c) {
    return c.unreached == 0 ? std::string() : fmt::format("; its GPU is not done with {} slots that it released", c.unreached);
  };
  auto overdue = [&](const Conduct& c) {
    return Eviction{c.lease, fmt::format("stood still for {} ms in the way of the producer; eviction_deadline_ms is {}{}",
                                         c.overdue_ns / kMs, deadline_ns / kMs, of_its_gpu(c))};
  };
  for (const Conduct& c : suspects) {
    if (!c.in_the_way) continue;
    if (c.held > c.may_hold)
      evictions.push_back(
          {c.lease, fmt::format("held {} slots while the producer found none; it may hold {}", c.held, c.may_hold)});
    else if (c.overdue_ns > deadline_ns && (!pool_short || c.foreign))
      evictions.push_back(overdue(c));
    if (c.overdue_ns > deadline_ns && (longest_overdue == nullptr || c.overdue_ns > longest_overdue->overdue_ns))
      longest_overdue = &c;
    if (longest_idle == nullptr || std::pair(c.foreign, c.idle_ns) > std::pair(longest_idle->foreign, longest_idle->idle_ns))
      longest_idle = &c;
  }
  if (evictions.empty() && longest_overdue != nullptr) evictions.push_back(overdue(*longest_overdue));
  if (evictions.empty() && longest_idle != nullptr && starved_ns > deadline_ns)
    evictions.push_back(
        {longest_idle->lease,
         fmt::format("the producer found no slot for {} ms, and this lease was idle for longest ({} ms){}",
                     starved_ns / kMs, longest_idle->idle_ns / kMs, of_its_gpu(*longest_idle))});
  return evictions;
}

}  // namespace ferry::daemon
