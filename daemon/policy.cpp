#include "daemon/policy.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "proto/names.h"

namespace ferry::daemon {
namespace {

bool matches_glob(const std::string& pattern, std::string_view text) {
  return fnmatch(pattern.c_str(), std::string(text).c_str(), 0) == 0;
}

bool is_in_group(const platform::PeerIdentity& peer, gid_t group) {
  return peer.gid == group || std::find(peer.groups.begin(), peer.groups.end(), group) != peer.groups.end();
}

bool matches(const Rule& rule, const platform::PeerIdentity& peer, Action action, std::string_view stream) {
  if (!(action == Action::kProduce ? rule.produce : rule.view)) return false;
  // A name with a NUL in it would look shorter to fnmatch(); check_stream_name() has refused it.
  if (!matches_glob(rule.streams, stream)) return false;
  if (rule.user && *rule.user != peer.uid) return false;
  if (rule.group && !is_in_group(peer, *rule.group)) return false;
  if (rule.executable && *rule.executable != peer.origin.executable) return false;
  if (rule.unit && !matches_glob(*rule.unit, peer.origin.unit)) return false;
  // Only a permission has to name the sandbox: what is refused to a user is refused to what that user shuts in.
  if (rule.sandbox) return !peer.origin.sandbox.empty() && matches_glob(*rule.sandbox, peer.origin.sandbox);
  return peer.origin.sandbox.empty() || !rule.allow;
}

}  // namespace

TrustDomain domain_of(const platform::PeerIdentity& peer) { return {peer.uid, peer.origin.sandbox}; }

std::string to_string(const TrustDomain& domain) {
  if (domain.sandbox.empty()) return fmt::format("uid {}", domain.uid);
  return fmt::format("uid {} in sandbox '{}'", domain.uid, proto::printable(domain.sandbox));
}

const char* action_name(Action action) { return action == Action::kProduce ? "produce" : "view"; }

Decision Policy::decide(const platform::PeerIdentity& peer, Action action, std::string_view stream,
                        const TrustDomain* producer) const {
  for (const Rule& rule : rules_)
    if (matches(rule, peer, action, stream)) return {rule.allow, fmt::format("rule {}", rule.where)};
  const TrustDomain domain = domain_of(peer);
  if (domain == TrustDomain{own_uid_, ""}) return {true, "the broker's own user"};
  if (action == Action::kView && producer != nullptr && domain == *producer) return {true, "its producer's own user"};
  return {false, fmt::format("no rule for {}", to_string(domain))};
}

}  // namespace ferry::daemon
