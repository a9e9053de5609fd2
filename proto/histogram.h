#pragma once
// A latency histogram small enough to live in a lease page: four buckets an octave, 1 us to 13 s.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace ferry::proto {

struct LatencyHistogram {
  static constexpr std::uint32_t kBuckets = 96;

  /// Bucket of @p ns: the first is everything under 1,024 ns, the last everything from 12.9 s.
  static constexpr std::uint32_t bucket_of(std::uint64_t ns) {
    if (ns < 1024) return 0;
    const int octave = static_cast<int>(std::bit_width(ns)) - 1;  // >= 10
    const auto quarter = static_cast<std::uint32_t>((ns >> (octave - 2)) & 3);
    const auto bucket = static_cast<std::uint32_t>(octave - 10) * 4 + quarter + 1;
    return std::min(bucket, kBuckets - 1);
  }
  /// Upper edge of a bucket in ns: what percentile() reports, so it never says less than was seen (up to 15 s).
  static constexpr std::uint64_t upper_ns(std::uint32_t bucket) {
    if (bucket == 0) return 1024;
    const std::uint32_t octave = (bucket - 1) / 4 + 10;
    const std::uint64_t quarter = (bucket - 1) % 4;
    return (std::uint64_t{1} << octave) + (quarter + 1) * (std::uint64_t{1} << (octave - 2));
  }

  std::array<std::uint32_t, kBuckets> counts{};

  constexpr std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (auto c : counts) sum += c;
    return sum;
  }
  /// The upper edge of the bucket in which the @p share (0..1) of all samples is reached; 0 without samples.
  constexpr std::uint64_t percentile_ns(double share) const {
    const std::uint64_t all = total();
    if (all == 0) return 0;
    const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(static_cast<double>(all) * share + 0.999999));
    std::uint64_t seen = 0;
    for (std::uint32_t i = 0; i < kBuckets; ++i) {
      seen += counts[i];
      if (seen >= rank) return upper_ns(i);
    }
    return upper_ns(kBuckets - 1);
  }
};

}  // namespace ferry::proto
