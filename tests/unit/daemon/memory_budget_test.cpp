#include "daemon/memory_budget.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

TEST(MemoryBudget, GivesBackWhatAReservationHad) {
  auto budget = std::make_shared<MemoryBudget>("limit", 100);
  {
    const auto taken = MemoryReservation::take(budget, 60, "a pool");
    ASSERT_TRUE(taken);
    EXPECT_EQ(budget->used_bytes(), 60u);
  }
  EXPECT_EQ(budget->used_bytes(), 0u);
}

TEST(MemoryBudget, RefusalNamesValueLimitAndObject) {
  auto budget = std::make_shared<MemoryBudget>("texture_memory_bytes", 100);
  const auto first = MemoryReservation::take(budget, 60, "a pool");
  const auto second = MemoryReservation::take(budget, 41, "another pool");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, proto::ErrorCode::kLimitExceeded);
  EXPECT_EQ(second.error().message,
            "another pool needs 41 bytes of texture memory; 60 of the limit texture_memory_bytes = 100 are in use");
}

TEST(MemoryBudget, CountsInItsParentToo) {
  auto all = std::make_shared<MemoryBudget>("all", 100);
  auto one = std::make_shared<MemoryBudget>("one", 80, all);
  auto other = std::make_shared<MemoryBudget>("other", 80, all);
  const auto first = MemoryReservation::take(one, 70, "a pool");
  EXPECT_EQ(all->used_bytes(), 70u);
  const auto second = MemoryReservation::take(other, 40, "a pool");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("limit all = 100"), std::string::npos) << second.error().message;
  EXPECT_EQ(other->used_bytes(), 0u);
}

TEST(MemoryBudget, DoesNotOverflow) {
  MemoryBudget budget("limit", 100);
  EXPECT_FALSE(budget.check(~std::uint64_t{0}, "everything"));
}

}  // namespace
}  // namespace ferry::daemon
