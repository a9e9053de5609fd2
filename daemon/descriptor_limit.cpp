#include "daemon/descriptor_limit.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace ferry::daemon {

FittedLimits fit_into(Limits limits, std::uint64_t open_files) {
  FittedLimits fitted;
  const auto lower = [&](std::string_view name, std::uint64_t& limit, std::uint64_t most) {
    most = std::max<std::uint64_t>(most, 1);
    if (limit <= most) return;
    fitted.lowered.push_back(
        fmt::format("{} is {} instead of {}, because RLIMIT_NOFILE is {}", name, most, limit, open_files));
    limit = most;
  };
  const std::uint64_t elsewhere = kDescriptorsOfBroker + descriptors_in_bins(open_files);
  const std::uint64_t room = open_files > elsewhere ? open_files - elsewhere : 0;
  const std::uint64_t sessions_before = limits.max_sessions;
  lower("max_sessions", limits.max_sessions, room / 2 / kDescriptorsOfSession);
  // One user is not to have all of the few that are left.
  if (limits.max_sessions < sessions_before)
    lower("max_sessions_per_uid", limits.max_sessions_per_uid, (limits.max_sessions + 1) / 2);
  const std::uint64_t of_sessions = kDescriptorsOfSession * limits.max_sessions;
  const std::uint64_t before = limits.max_descriptors;
  lower("max_descriptors", limits.max_descriptors, room > of_sessions ? room - of_sessions : 0);
  // The same part of it as was meant.
  if (limits.max_descriptors < before && limits.max_descriptors_per_uid != 0)
    lower("max_descriptors_per_uid", limits.max_descriptors_per_uid,
          limits.max_descriptors * std::min(limits.max_descriptors_per_uid, before) / before);
  fitted.limits = limits;
  return fitted;
}

}  // namespace ferry::daemon
