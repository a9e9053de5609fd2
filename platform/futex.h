#pragma once
// Sleeping on a 32-bit word of a shared page, and waking whoever sleeps there (futex(2), futex_waitv: Linux 5.16).

#include <atomic>
#include <cstdint>
#include <span>

namespace ferry::platform {

struct FutexWord {
  const std::atomic<std::uint32_t>* word;
  std::uint32_t expected;  ///< sleep only while the word still has this value
};

enum class FutexResult : std::uint8_t { kWoken, kTimedOut };

/// Sleeps until any word moved or was woken, or until @p deadline_ns (CLOCK_MONOTONIC; negative: no deadline). May
/// wake for no reason: look again. The words may lie in read-only mappings shared between processes. At most 8 words.
FutexResult futex_wait_any(std::span<const FutexWord> words, std::int64_t deadline_ns);

/// Wakes everybody who sleeps on @p word, in every process. One system call. The mapping may be read-only.
void futex_wake_all(const std::atomic<std::uint32_t>& word);

}  // namespace ferry::platform
