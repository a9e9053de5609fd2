#include "daemon/pool_size.h"

#include <gtest/gtest.h>

#include <array>

#include "proto/limits.h"

namespace ferry::daemon {
namespace {

using proto::ConsumerMode;

TEST(PoolSize, CountsHoldsAndQueuesOfEveryLease) {
  const std::array leases{LeaseNeed{ConsumerMode::kLatest, 2, 9}, LeaseNeed{ConsumerMode::kEvery, 1, 4}};
  EXPECT_EQ(slots_required(2, leases), 2u + 2u + 2u + 1u + 4u) << "latest has no queue";
  EXPECT_EQ(slots_required(1, {}), 3u);
}

TEST(PoolSize, StartsWithRoomForTwoConsumers) {
  EXPECT_EQ(initial_slots(2, 0, 64), 8u);
  EXPECT_EQ(initial_slots(2, 12, 64), 12u) << "the producer's minimum";
  EXPECT_EQ(initial_slots(8, 0, 10), 10u) << "the broker's limit";
}

TEST(PoolSize, GrowsByHalfAtLeastAndOnlyWhenItMust) {
  EXPECT_EQ(grown_slots(8, 8, 64), std::nullopt);
  EXPECT_EQ(grown_slots(8, 9, 64), 12u);
  EXPECT_EQ(grown_slots(8, 20, 64), 20u);
  EXPECT_EQ(grown_slots(8, 20, 16), 16u);
  EXPECT_EQ(grown_slots(16, 20, 16), std::nullopt) << "capped already";
}

}  // namespace
}  // namespace ferry::daemon
