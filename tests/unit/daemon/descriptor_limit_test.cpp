#include "daemon/descriptor_limit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ferry::daemon {
namespace {

TEST(DescriptorLimit, SessionsAndWhatTheyAreGivenFitIntoWhatMayBeOpen) {
  for (std::uint64_t open_files = 256; open_files <= 1 << 20; open_files += 1 + open_files / 7) {
    const Limits fitted = fit_into({}, open_files).limits;
    const std::uint64_t elsewhere = kDescriptorsOfBroker + descriptors_in_bins(open_files);
    EXPECT_LE(elsewhere + kDescriptorsOfSession * fitted.max_sessions + fitted.max_descriptors, open_files);
    EXPECT_GE(fitted.max_sessions, 1u);
    EXPECT_LE(fitted.max_sessions_per_uid, fitted.max_sessions);
    EXPECT_GE(fitted.max_descriptors, std::min(Limits{}.max_descriptors, (open_files - elsewhere) / 2))
        << "sessions took more than half";
  }
}

TEST(DescriptorLimit, SaysWhatItLoweredAndWhy) {
  const auto fitted = fit_into({}, 4096);
  EXPECT_EQ(fitted.lowered, (std::vector<std::string>{
                                "max_sessions is 576 instead of 1024, because RLIMIT_NOFILE is 4096",
                                "max_descriptors is 1728 instead of 65536, because RLIMIT_NOFILE is 4096"}));
  EXPECT_EQ(fit_into({}, 1024).limits.max_sessions_per_uid, 64u) << "half of what sessions are left";
}

TEST(DescriptorLimit, KeepsAUsersShare) {
  Limits limits;
  limits.max_descriptors_per_uid = limits.max_descriptors / 2;
  EXPECT_EQ(fit_into(limits, 4096).limits.max_descriptors_per_uid, 864u);
  EXPECT_EQ(fit_into({}, 4096).limits.max_descriptors_per_uid, 0u) << "none is set";
}

TEST(DescriptorLimit, LeavesAloneWhatFits) {
  const auto fitted = fit_into({}, 524'288);
  EXPECT_TRUE(fitted.lowered.empty());
  EXPECT_EQ(fitted.limits.max_sessions, Limits{}.max_sessions);
  EXPECT_EQ(fitted.limits.max_descriptors, Limits{}.max_descriptors);
}

}  // namespace
}  // namespace ferry::daemon
