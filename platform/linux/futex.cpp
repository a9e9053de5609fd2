#include "platform/futex.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <climits>
#include <ctime>

#include "platform/clock.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

namespace ferry::platform {
namespace {

constexpr std::size_t kMaxWords = 8;

timespec to_timespec(std::int64_t ns) {
  timespec time{};
  time.tv_sec = static_cast<time_t>(ns / 1'000'000'000);
  time.tv_nsec = static_cast<long>(ns % 1'000'000'000);
  return time;
}

// Both waits take an absolute CLOCK_MONOTONIC deadline and answer 0 or an errno. Neither operation is _PRIVATE: the
// words lie in pages that several processes map.

int wait_one(const FutexWord& word, const timespec* deadline) {
  const long rc =
      syscall(SYS_futex, word.word, FUTEX_WAIT_BITSET, word.expected, deadline, nullptr, FUTEX_BITSET_MATCH_ANY);
  return rc < 0 ? errno : 0;
}

int wait_several(std::span<const FutexWord> words, const timespec* deadline) {
  std::array<futex_waitv, kMaxWords> waiters{};
  for (std::size_t i = 0; i < words.size(); ++i) {
    waiters[i].uaddr = reinterpret_cast<std::uintptr_t>(words[i].word);
    waiters[i].val = words[i].expected;
    waiters[i].flags = FUTEX_32;
  }
  const long rc = syscall(SYS_futex_waitv, waiters.data(), words.size(), 0, deadline, CLOCK_MONOTONIC);
  return rc < 0 ? errno : 0;
}

bool any_moved(std::span<const FutexWord> words) {
  return std::any_of(words.begin(), words.end(),
                     [](const FutexWord& w) { return w.word->load(std::memory_order_seq_cst) != w.expected; });
}

/// Kernels before 5.16, and sandboxes that do not know the call, cannot sleep on several words. There the first word
/// (by convention the one that moves with every frame) wakes at once, and the others are looked at 20 times a second.
FutexResult wait_in_slices(std::span<const FutexWord> words, std::int64_t deadline_ns) {
  constexpr std::int64_t kSliceNs = 50'000'000;
  for (;;) {
    if (any_moved(words)) return FutexResult::kWoken;
    const std::int64_t now = now_ns();
    if (deadline_ns >= 0 && now >= deadline_ns) return FutexResult::kTimedOut;
    const std::int64_t slice_end = deadline_ns < 0 ? now + kSliceNs : std::min(deadline_ns, now + kSliceNs);
    const timespec until = to_timespec(slice_end);
    if (wait_one(words.front(), &until) != ETIMEDOUT) return FutexResult::kWoken;
  }
}

}  // namespace

FutexResult futex_wait_any(std::span<const FutexWord> words, std::int64_t deadline_ns) {
  assert(!words.empty() && words.size() <= kMaxWords);
  const timespec time = to_timespec(std::max<std::int64_t>(0, deadline_ns));
  const timespec* deadline = deadline_ns < 0 ? nullptr : &time;
  const int error = words.size() == 1 ? wait_one(words.front(), deadline) : wait_several(words, deadline);
  if (error == ENOSYS || error == EPERM) return wait_in_slices(words, deadline_ns);
  // EAGAIN (a word had moved) and EINTR are wake-ups: the caller looks again.
  return error == ETIMEDOUT ? FutexResult::kTimedOut : FutexResult::kWoken;
}

void futex_wake_all(const std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace ferry::platform
