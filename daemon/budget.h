#pragma once
// How much of something scarce somebody may have (texture memory, descriptors, the broker's own memory), and a part of it
// that somebody has.

#include <cstdint>
#include <memory>
#include <string>

#include "daemon/fd_bin.h"
#include "proto/result.h"

namespace ferry::daemon {

/// A limit, within the limit of @p parent if there is one: a session's within its user's within the broker's. Shared,
/// because what was given outlives the session it was given to.
class Budget {
 public:
  /// @p unit: "bytes of texture memory".
  Budget(std::string unit, std::string limit_name, std::uint64_t limit, std::shared_ptr<Budget> parent = nullptr)
      : unit_(std::move(unit)), limit_name_(std::move(limit_name)), limit_(limit), parent_(std::move(parent)) {}

  /// kLimitExceeded when @p amount more would not fit here or above; names @p what.
  proto::Result<void> check(std::uint64_t amount, const std::string& what) const;

  std::uint64_t used() const { return used_; }
  std::uint64_t limit() const { return limit_; }

 private:
  friend class Reservation;
  void add(std::uint64_t amount) {
    used_ += amount;
    if (parent_) parent_->add(amount);
  }
  void subtract(std::uint64_t amount) {
    used_ -= amount;
    if (parent_) parent_->subtract(amount);
  }

  std::string unit_, limit_name_;
  std::uint64_t limit_;
  std::uint64_t used_ = 0;
  std::shared_ptr<Budget> parent_;
};

/// Taken out of a budget until this goes.
class Reservation {
 public:
  static proto::Result<Reservation> take(std::shared_ptr<Budget> budget, std::uint64_t amount, const std::string& what);
  Reservation() = default;
  Reservation(Reservation&& other) noexcept { *this = std::move(other); }
  Reservation& operator=(Reservation&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(amount_, other.amount_);
    return *this;
  }
  ~Reservation() {
    if (budget_) budget_->subtract(amount_);
  }

  std::uint64_t amount() const { return amount_; }

 private:
  std::shared_ptr<Budget> budget_;
  std::uint64_t amount_ = 0;
};

/// What a session may have of everything.
struct Allowance {
  std::shared_ptr<Budget> memory, descriptors;
  std::shared_ptr<FdBin> bin;        ///< its user's
  std::shared_ptr<Budget> messages;  ///< what the broker keeps of what was said: unread, waiting, or how a lease was asked for
};

}  // namespace ferry::daemon
