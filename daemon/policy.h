#pragma once
// Who may produce and who may view which stream. Pure: the same peer, stream and rules have the same answer.

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/listener.h"

namespace ferry::daemon {

/// Peers of one domain can reach into each other's processes anyway; those of two must not have to trust each other.
struct TrustDomain {
  uid_t uid = 0;
  std::string sandbox;  ///< "" outside of any
  /// Two of which nobody knows where they are need not be in the same place: each is a domain of its own.
  friend bool operator==(const TrustDomain& one, const TrustDomain& other) {
    return one.uid == other.uid && one.sandbox == other.sandbox && one.sandbox != platform::kUnknownSandbox;
  }
};
TrustDomain domain_of(const platform::PeerIdentity& peer);
std::string to_string(const TrustDomain& domain);  ///< "uid 1000", "uid 1000 in sandbox 'org.x.Y'"

enum class Action : std::uint8_t { kProduce, kView };
const char* action_name(Action action);  ///< "produce"

/// One [[rule]] of the configuration. What it does not name matches everybody, except that a peer in a sandbox is only
/// meant by a rule that names one.
struct Rule {
  bool allow = false;
  bool produce = false, view = false;  ///< what it decides
  std::string streams = "*";           ///< glob (fnmatch(3)), as are unit and sandbox
  std::optional<uid_t> user;
  std::optional<gid_t> group;  ///< the peer's own or one of its supplementary ones
  std::optional<std::string> executable, unit, sandbox;
  std::string where;  ///< "ferryd.toml:12"
};

struct Decision {
  bool allowed = false;
  std::string why;  ///< "rule ferryd.toml:12", "no rule for uid 1000"
};

class Policy {
 public:
  /// @p own: the broker's user, who may do everything outside of sandboxes unless a rule says otherwise.
  explicit Policy(std::vector<Rule> rules, uid_t own) : rules_(std::move(rules)), own_uid_(own) {}

  /// The first rule that matches decides. Without one: the broker's own user may, and whoever is of the stream's
  /// @p producer's domain (nullptr: not known) may view it; nobody else.
  Decision decide(const platform::PeerIdentity& peer, Action action, std::string_view stream,
                  const TrustDomain* producer = nullptr) const;

 private:
  std::vector<Rule> rules_;
  uid_t own_uid_;
};

}  // namespace ferry::daemon
