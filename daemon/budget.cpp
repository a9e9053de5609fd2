#include "daemon/budget.h"

#include <fmt/format.h>

namespace ferry::daemon {

proto::Result<void> Budget::check(std::uint64_t amount, const std::string& what) const {
  if (used_ > limit_ || amount > limit_ - used_)
    return proto::Error{proto::ErrorCode::kLimitExceeded,
                        fmt::format("{} needs {} {}; {} of the limit {} = {} are in use", what, amount, unit_, used_,
                                    limit_name_, limit_)};
  return parent_ ? parent_->check(amount, what) : proto::Result<void>{};
}

proto::Result<Reservation> Reservation::take(std::shared_ptr<Budget> budget, std::uint64_t amount,
                                             const std::string& what) {
  if (auto fits = budget->check(amount, what); !fits) return std::move(fits).error();
  budget->add(amount);
  Reservation reservation;
  reservation.budget_ = std::move(budget);
  reservation.amount_ = amount;
  return reservation;
}

}  // namespace ferry::daemon
