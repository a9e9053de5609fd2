#pragma once
// The broker's budgets, its users' within them, and a session's within its user's.

#include <sys/types.h>

#include <map>
#include <memory>

#include "daemon/budget.h"
#include "daemon/config.h"

namespace ferry::daemon {

class Allowances {
 public:
  explicit Allowances(const Limits& limits);
  /// For one more session of @p uid.
  Allowance for_session(uid_t uid);
  /// For descriptors of nobody who is known yet.
  const std::shared_ptr<FdBin>& strangers_bin() const { return all_.bin; }
  const Budget& memory() const { return *all_.memory; }
  const Budget& descriptors() const { return *all_.descriptors; }

 private:
  struct OfUser {
    std::weak_ptr<Budget> memory, descriptors, messages;
    std::weak_ptr<FdBin> bin;
    bool has_nothing() const { return memory.expired() && descriptors.expired() && messages.expired() && bin.expired(); }
  };
  Allowance of_user(uid_t uid);

  const Limits limits_;
  Allowance all_;
  std::map<uid_t, OfUser> users_;  ///< weak: a user who has nothing costs nothing
};

}  // namespace ferry::daemon
