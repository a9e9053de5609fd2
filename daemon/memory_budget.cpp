#include "daemon/memory_budget.h"

#include <fmt/format.h>

namespace ferry::daemon {

proto::Result<void> MemoryBudget::check(std::uint64_t bytes, const std::string& what) const {
  if (used_bytes_ > limit_bytes_ || bytes > limit_bytes_ - used_bytes_)
    return proto::Error{proto::ErrorCode::kLimitExceeded,
                        fmt::format("{} needs {} bytes of texture memory; {} of the limit {} = {} are in use", what,
                                    bytes, used_bytes_, limit_name_, limit_bytes_)};
  return parent_ ? parent_->check(bytes, what) : proto::Result<void>{};
}

proto::Result<MemoryReservation> MemoryReservation::take(std::shared_ptr<MemoryBudget> budget, std::uint64_t bytes,
                                                         const std::string& what) {
  if (auto fits = budget->check(bytes, what); !fits) return std::move(fits).error();
  budget->add(bytes);
  MemoryReservation reservation;
  reservation.budget_ = std::move(budget);
  reservation.bytes_ = bytes;
  return reservation;
}

}  // namespace ferry::daemon
