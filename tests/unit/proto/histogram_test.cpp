#include "proto/histogram.h"

#include <gtest/gtest.h>

#include <limits>

namespace ferry::proto {
namespace {

using H = LatencyHistogram;

TEST(LatencyHistogram, BucketsNeverFall) {
  std::uint32_t last = 0;
  for (std::uint64_t ns = 1; ns < std::uint64_t{1} << 36; ns += 1 + ns / 97) {
    const std::uint32_t bucket = H::bucket_of(ns);
    ASSERT_GE(bucket, last) << ns;
    ASSERT_LE(bucket - last, 1u) << "a bucket is left out at " << ns;
    ASSERT_LT(bucket, H::kBuckets) << ns;
    last = bucket;
  }
  EXPECT_EQ(last, H::kBuckets - 1);
}

TEST(LatencyHistogram, EdgesFitTogether) {
  for (std::uint32_t bucket = 0; bucket + 1 < H::kBuckets; ++bucket) {
    EXPECT_EQ(H::bucket_of(H::upper_ns(bucket) - 1), bucket);
    EXPECT_EQ(H::bucket_of(H::upper_ns(bucket)), bucket + 1);
  }
}

TEST(LatencyHistogram, ExtremesHaveBuckets) {
  EXPECT_EQ(H::bucket_of(0), 0u);
  EXPECT_EQ(H::bucket_of(1023), 0u);
  EXPECT_EQ(H::bucket_of(1024), 1u);
  EXPECT_EQ(H::bucket_of(std::numeric_limits<std::uint64_t>::max()), H::kBuckets - 1);
}

TEST(LatencyHistogram, PercentilesAreUpperEdges) {
  H histogram;
  for (int i = 0; i < 99; ++i) ++histogram.counts[H::bucket_of(100'000)];
  ++histogram.counts[H::bucket_of(50'000'000)];
  EXPECT_EQ(histogram.total(), 100u);
  for (const double share : {0.01, 0.5, 0.99})
    EXPECT_EQ(histogram.percentile_ns(share), H::upper_ns(H::bucket_of(100'000)));
  EXPECT_EQ(histogram.percentile_ns(1.0), H::upper_ns(H::bucket_of(50'000'000)));
  EXPECT_GE(histogram.percentile_ns(0.5), 100'000u);
  EXPECT_LE(histogram.percentile_ns(0.5), 125'000u);
}

TEST(LatencyHistogram, WithoutSamplesIsZero) { EXPECT_EQ(H{}.percentile_ns(0.99), 0u); }

}  // namespace
}  // namespace ferry::proto
