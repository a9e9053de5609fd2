#pragma once
// One line of the log for every permission that was granted or refused.

#include <cstdint>
#include <string>

#include "daemon/policy.h"

namespace ferry::daemon {

/// "audit: granted view 'cam' pid=4211 uid=1000 gid=1000 exe='/usr/bin/obs' unit='obs.service' sandbox='' by rule ..."
/// A session that is refused again and again is written down less and less often: every one of the first 16 refusals, then
/// those whose number is a power of two, each with how many were left out since the one before. @p refusals counts them.
void audit(const platform::PeerIdentity& peer, Action action, const std::string& stream, const Decision& decision,
           std::uint64_t& refusals);

/// At the end of a session with so many refusals: how many were left out since the last that was written down, if any were.
void audit_unwritten(const platform::PeerIdentity& peer, std::uint64_t refusals);

}  // namespace ferry::daemon
