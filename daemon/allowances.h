#pragma once
// The broker's budgets, its users' within them, their sandboxes' within those, and a session's within its domain's.

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "daemon/budget.h"
#include "daemon/config.h"
#include "daemon/policy.h"

namespace ferry::daemon {

/// What the sandboxes of a user may have together of what that user may, and what one of them may: the user's own clients
/// always have room, and so has another sandbox.
constexpr std::uint64_t share_of_sandboxes(std::uint64_t of_user) { return of_user / 2; }
constexpr std::uint64_t share_of_sandbox(std::uint64_t of_user) { return (of_user + 2) / 4; }

class Allowances {
 public:
  /// @p own: the broker's user, who may have everything where the limits do not say otherwise; everybody else half of it.
  Allowances(const Limits& limits, uid_t own);
  /// For one more session of @p domain.
  Allowance for_session(const TrustDomain& domain);
  /// For descriptors of nobody who is known yet.
  const std::shared_ptr<FdBin>& strangers_bin() const { return all_.bin; }
  const Budget& memory() const { return *all_.memory; }
  const Budget& descriptors() const { return *all_.descriptors; }

 private:
  struct Sizes {
    std::uint64_t memory = 0, descriptors = 0, messages = 0;
  };
  Sizes of_user(uid_t uid) const;
  /// What those of @p key have in common, within @p parent. @p whose: "", or " of ..." for refusals.
  Allowance shared(const std::string& key, const Allowance& parent, const Sizes& sizes, const std::string& whose);

  const Limits limits_;
  const uid_t own_uid_;
  Allowance all_;
  struct Weak {
    std::weak_ptr<Budget> memory, descriptors, messages;
    std::weak_ptr<FdBin> bin;
    bool has_nothing() const { return memory.expired() && descriptors.expired() && messages.expired() && bin.expired(); }
  };
  std::map<std::string, Weak> shared_;  ///< weak: who has nothing costs nothing
};

}  // namespace ferry::daemon
