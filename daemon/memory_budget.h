#pragma once
// How much texture memory somebody may have, and a part of it that somebody has.

#include <cstdint>
#include <memory>
#include <string>

#include "proto/result.h"

namespace ferry::daemon {

/// A limit on bytes, within the limit of @p parent if there is one: a session's within the broker's. Shared, because
/// memory outlives the session it was given to.
class MemoryBudget {
 public:
  MemoryBudget(std::string limit_name, std::uint64_t limit_bytes, std::shared_ptr<MemoryBudget> parent = nullptr)
      : limit_name_(std::move(limit_name)), limit_bytes_(limit_bytes), parent_(std::move(parent)) {}

  /// kLimitExceeded when @p bytes more would not fit here or above; names @p what.
  proto::Result<void> check(std::uint64_t bytes, const std::string& what) const;

  std::uint64_t used_bytes() const { return used_bytes_; }
  std::uint64_t limit_bytes() const { return limit_bytes_; }

 private:
  friend class MemoryReservation;
  void add(std::uint64_t bytes) {
    used_bytes_ += bytes;
    if (parent_) parent_->add(bytes);
  }
  void subtract(std::uint64_t bytes) {
    used_bytes_ -= bytes;
    if (parent_) parent_->subtract(bytes);
  }

  std::string limit_name_;
  std::uint64_t limit_bytes_;
  std::uint64_t used_bytes_ = 0;
  std::shared_ptr<MemoryBudget> parent_;
};

/// Bytes taken out of a budget until this goes.
class MemoryReservation {
 public:
  static proto::Result<MemoryReservation> take(std::shared_ptr<MemoryBudget> budget, std::uint64_t bytes,
                                               const std::string& what);
  MemoryReservation() = default;
  MemoryReservation(MemoryReservation&&) noexcept = default;
  MemoryReservation& operator=(MemoryReservation&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~MemoryReservation() {
    if (budget_) budget_->subtract(bytes_);
  }

  std::uint64_t bytes() const { return bytes_; }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::uint64_t bytes_ = 0;
};

}  // namespace ferry::daemon
