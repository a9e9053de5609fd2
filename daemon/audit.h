#pragma once
// One line of the log for every permission that was granted or refused.

#include <cstdint>
#include <string>

#include "daemon/policy.h"

namespace ferry::daemon {

/// "audit: granted view 'cam' pid=4211 uid=1000 gid=1000 exe='/usr/bin/obs' unit='obs.service' sandbox='' by rule ..."
/// A peer that is refused again and again is written down less and less often: @p refusals counts them.
void audit(const platform::PeerIdentity& peer, Action action, const std::string& stream, const Decision& decision,
           std::uint64_t& refusals);

}  // namespace ferry::daemon
