#include "tests/torture/gap_bound.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "tests/torture/places.h"

namespace ferry::torture {
namespace {

constexpr std::uint64_t kMs = 1'000'000;
// Whatever else the machine does meanwhile; on one that does nothing else, say 100 strictly.
constexpr std::uint64_t kLeastNs = 500 * kMs, kMostNs = 1000 * kMs;
/// How long a begin() of a `block` stream waits for a consumer before it tells the broker (client/src/producer.cpp), and
/// until the broker has evicted it (world.cpp).
constexpr std::uint64_t kEvictionNs = (1000 + 500) * kMs;
/// How long a broker waits for what a client has not handed back (world.cpp).
constexpr std::uint64_t kGraceNs = 1000 * kMs;

/// How long the producer of "cam" waits for a consumer that stands still or cannot say yet that it is gone: it is a
/// `block` stream, which loses no frame instead.
std::uint64_t allowance_ns(const Fault& fault) {
  if (fault.party != kConsumerEvery) return 0;
  if (stops(fault) || fault.where == kWorkQueued) return kEvictionNs + kGraceNs;
  return needs_restart(fault) ? kGraceNs : 0;
}

}  // namespace

bool may_stand_still(const Fault& fault) { return allowance_ns(fault) != 0; }

GapBound::GapBound() {
  if (const char* text = std::getenv("FERRY_TORTURE_GAP_MS")) strict_ns_ = std::strtoull(text, nullptr, 10) * kMs;
}

void GapBound::learn(std::uint64_t gap_ns) { seen_ns_ = std::max(seen_ns_, gap_ns); }

std::uint64_t GapBound::bound_ns(const Fault& fault) const {
  if (strict_ns_) return *strict_ns_ + allowance_ns(fault);
  // On a machine with other work a consumer that reads every frame may stand still before it is killed, too.
  const std::uint64_t slow_ns = fault.party == kConsumerEvery ? kEvictionNs : 0;
  return std::clamp(3 * seen_ns_, kLeastNs, kMostNs) + std::max(slow_ns, allowance_ns(fault));
}

std::string GapBound::judge(const Fault& fault, const Outcome& outcome) const {
  if (outcome.longest_gap_ns <= bound_ns(fault)) return {};
  return fmt::format("no frame for {} ms; the bound is {} ms; ", outcome.longest_gap_ns / kMs, bound_ns(fault) / kMs);
}

}  // namespace ferry::torture
