#pragma once
// Every wait in the tests has one of these.

#include <algorithm>
#include <chrono>
#include <cstdlib>

namespace ferry::test {

using namespace std::chrono_literals;

/// How much slower than the slowest real machine this one is: FERRY_TEST_SLOWNESS, which an emulated one has (scripts/vm-test).
inline int slowness() {
  static const int factor = [] {
    const char* text = std::getenv("FERRY_TEST_SLOWNESS");
    return text == nullptr ? 1 : std::clamp(std::atoi(text), 1, 100);
  }();
  return factor;
}

class Deadline {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Deadline(std::chrono::milliseconds from_now) : at_(Clock::now() + from_now * slowness()) {}

  bool passed() const { return Clock::now() >= at_; }
  /// What is left, never negative.
  std::chrono::nanoseconds left() const { return std::max<std::chrono::nanoseconds>(at_ - Clock::now(), 0ns); }
  /// For poll(2): rounded up, so that a wait never ends before the deadline.
  int left_ms() const { return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left()).count()); }

 private:
  Clock::time_point at_;
};

}  // namespace ferry::test
