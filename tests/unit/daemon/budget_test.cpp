#include "daemon/budget.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

TEST(Budget, GivesBackWhatAReservationHad) {
  auto budget = std::make_shared<Budget>("bytes of texture memory", "limit", 100);
  {
    const auto taken = Reservation::take(budget, 60, "a pool");
    ASSERT_TRUE(taken);
    EXPECT_EQ(budget->used(), 60u);
  }
  EXPECT_EQ(budget->used(), 0u);
}

TEST(Budget, RefusalNamesValueLimitAndObject) {
  auto budget = std::make_shared<Budget>("bytes of texture memory", "texture_memory_bytes", 100);
  const auto first = Reservation::take(budget, 60, "a pool");
  const auto second = Reservation::take(budget, 41, "another pool");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, proto::ErrorCode::kLimitExceeded);
  EXPECT_EQ(second.error().message,
            "another pool needs 41 bytes of texture memory; 60 of the limit texture_memory_bytes = 100 are in use");
}

TEST(Budget, CountsInItsParentToo) {
  auto all = std::make_shared<Budget>("bytes of texture memory", "all", 100);
  auto one = std::make_shared<Budget>("bytes of texture memory", "one", 80, all);
  auto other = std::make_shared<Budget>("bytes of texture memory", "other", 80, all);
  const auto first = Reservation::take(one, 70, "a pool");
  EXPECT_EQ(all->used(), 70u);
  const auto second = Reservation::take(other, 40, "a pool");
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("limit all = 100"), std::string::npos) << second.error().message;
  EXPECT_EQ(other->used(), 0u);
}

TEST(Budget, DoesNotOverflow) {
  Budget budget("descriptors", "limit", 100);
  EXPECT_FALSE(budget.check(~std::uint64_t{0}, "everything"));
}

}  // namespace
}  // namespace ferry::daemon
