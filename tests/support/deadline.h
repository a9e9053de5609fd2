#pragma once
// Every wait in the tests has one of these.

#include <algorithm>
#include <chrono>

namespace ferry::test {

using namespace std::chrono_literals;

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::milliseconds from_now) : at_(Clock::now() + from_now) {}

  bool passed() const { return Clock::now() >= at_; }
  /// What is left, never negative.
  std::chrono::nanoseconds left() const { return std::max<std::chrono::nanoseconds>(at_ - Clock::now(), 0ns); }
  /// For poll(2): rounded up, so that a wait never ends before the deadline.
  int left_ms() const { return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left()).count()); }

 private:
  Clock::time_point at_;
};

}  // namespace ferry::test
