#include "daemon/allowances.h"

#include <gtest/gtest.h>

namespace ferry::daemon {
namespace {

constexpr uid_t kOwn = 900, kAlice = 1000, kBob = 1001;

Limits of_1000() {
  Limits limits;
  limits.max_descriptors = 1000;
  limits.texture_memory_bytes = limits.texture_memory_bytes_per_session = 1000;
  return limits;
}

/// How many descriptors a session of @p domain can still be given; they stay taken.
std::uint64_t take_all(Allowances& allowances, const TrustDomain& domain, std::vector<Reservation>& taken) {
  const Allowance allowance = allowances.for_session(domain);
  std::uint64_t count = 0;
  for (;;) {
    auto one = Reservation::take(allowance.descriptors, 1, "one");
    if (!one) return count;
    taken.push_back(std::move(*one));
    ++count;
  }
}

TEST(Allowances, TheBrokersOwnUserMayHaveEverythingAndOthersHalf) {
  Allowances allowances(of_1000(), kOwn);
  std::vector<Reservation> taken;
  EXPECT_EQ(take_all(allowances, {kAlice, ""}, taken), 500u);
  EXPECT_EQ(take_all(allowances, {kAlice, ""}, taken), 0u) << "all her sessions together";
  EXPECT_EQ(take_all(allowances, {kBob, ""}, taken), 500u);
  taken.clear();
  EXPECT_EQ(take_all(allowances, {kOwn, ""}, taken), 1000u);
  const Allowance alices = allowances.for_session({kAlice, ""});
  EXPECT_TRUE(alices.memory->check(500, "a pool"));
  EXPECT_FALSE(alices.memory->check(501, "a pool"));
}

TEST(Allowances, WhatIsSetHoldsForEverybody) {
  Limits limits = of_1000();
  limits.max_descriptors_per_uid = 700;
  Allowances allowances(limits, kOwn);
  for (const uid_t uid : {kOwn, kAlice}) {
    std::vector<Reservation> taken;
    EXPECT_EQ(take_all(allowances, {uid, ""}, taken), 700u);
  }
}

TEST(Allowances, SandboxesLeaveRoomToEachOtherAndHalfToTheirUser) {
  Allowances allowances(of_1000(), kOwn);
  std::vector<Reservation> taken;
  EXPECT_EQ(take_all(allowances, {kOwn, "org.example.Game"}, taken), 250u);
  EXPECT_EQ(take_all(allowances, {kOwn, "org.example.Other"}, taken), 250u);
  EXPECT_EQ(take_all(allowances, {kOwn, "org.example.Third"}, taken), 0u) << "all sandboxes together";
  EXPECT_EQ(take_all(allowances, {kOwn, ""}, taken), 500u);
  EXPECT_EQ(allowances.descriptors().used(), 1000u);
}

TEST(Allowances, ASandboxesRefusalSaysWhoseShareItIs) {
  Allowances allowances(of_1000(), kOwn);
  const Allowance game = allowances.for_session({kAlice, "org.example.Game"});
  const auto refused = Reservation::take(game.memory, 200, "a pool");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "a pool needs 200 bytes of texture memory; 0 of the limit texture_memory_bytes_per_uid of uid 1000 in sandbox "
            "'org.example.Game' = 125 are in use");
}

}  // namespace
}  // namespace ferry::daemon
