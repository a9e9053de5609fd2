#pragma once
// Numbers that the examples print.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace examples {

/// All samples of one run, for percentiles at its end.
class Samples {
 public:
  void add(double value) { values_.push_back(value); }
  bool empty() const { return values_.empty(); }

  /// @p fraction of the samples are no larger: 0.5 is the median. 0 when there are none.
  double percentile(double fraction) const {
    if (values_.empty()) return 0;
    auto sorted = values_;
    const auto rank = static_cast<std::size_t>(fraction * static_cast<double>(sorted.size() - 1) + 0.5);
    std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(rank), sorted.end());
    return sorted[rank];
  }

 private:
  std::vector<double> values_;
};

/// Events a second, counted over the last whole second or so.
class RateMeter {
 public:
  /// True when a period has ended and per_second() is new.
  bool tick(std::int64_t now_ns, std::uint64_t events) {
    constexpr std::int64_t kPeriodNs = 1'000'000'000;
    if (start_ns_ == 0) start_ns_ = now_ns;
    count_ += events;
    if (now_ns - start_ns_ < kPeriodNs) return false;
    per_second_ = static_cast<double>(count_) * 1e9 / static_cast<double>(now_ns - start_ns_);
    start_ns_ = now_ns;
    count_ = 0;
    return true;
  }
  double per_second() const { return per_second_; }

 private:
  std::int64_t start_ns_ = 0;
  std::uint64_t count_ = 0;
  double per_second_ = 0;
};

}  // namespace examples
