#pragma once
// What the two processes of a measurement share beside frames: how far each of them is. Both may write it.

#include <atomic>
#include <cstdint>
#include <memory>
#include <stdexcept>

#include "platform/clock.h"
#include "platform/futex.h"
#include "platform/unique_fd.h"

namespace ferry::bench {

/// A number that grows, and a word to sleep on until it has.
struct Milestone {
  std::atomic<std::uint64_t> value;
  std::atomic<std::uint32_t> bell;
  mutable std::atomic<std::uint32_t> sleepers;  // a floor makes no system call that nobody needs

  void reach(std::uint64_t v) {
    value.store(v, std::memory_order_seq_cst);
    bell.fetch_add(1, std::memory_order_seq_cst);
    if (sleepers.load(std::memory_order_seq_cst) > 0) platform::futex_wake_all(bell);
  }
  bool reached(std::uint64_t v) const { return value.load(std::memory_order_acquire) >= v; }
  /// False when @p deadline_ns passed.
  bool wait(std::uint64_t v, std::int64_t deadline_ns) const {
    if (reached(v)) return true;
    sleepers.fetch_add(1, std::memory_order_seq_cst);
    const bool came = sleep_until(v, deadline_ns);
    sleepers.fetch_sub(1, std::memory_order_seq_cst);
    return came;
  }

 private:
  bool sleep_until(std::uint64_t v, std::int64_t deadline_ns) const {
    for (;;) {
      const std::uint32_t before = bell.load(std::memory_order_seq_cst);
      if (value.load(std::memory_order_seq_cst) >= v) return true;
      if (platform::now_ns() >= deadline_ns) return false;
      const platform::FutexWord word{&bell, before};
      platform::futex_wait_any({&word, 1}, deadline_ns);
    }
  }
};

/// A lock between processes, as libraries that share one texture have it.
struct SharedLock {
  std::atomic<std::uint32_t> state;  // 0 free, 1 taken, 2 taken and wanted

  void lock() {
    std::uint32_t free = 0;
    if (state.compare_exchange_strong(free, 1)) return;
    while (state.exchange(2) != 0) {
      const platform::FutexWord word{&state, 2};
      platform::futex_wait_any({&word, 1}, -1);
    }
  }
  void unlock() {
    if (state.exchange(0) == 2) platform::futex_wake_all(state);
  }
};

struct Board {
  alignas(64) Milestone published;  ///< newest frame that the producer has handed over (rivals of Ferry's)
  alignas(64) Milestone taken;      ///< newest frame whose reading is submitted
  alignas(64) Milestone done;       ///< newest frame that was read whole
  alignas(64) Milestone bands;      ///< CPU path: bands copied so far, of all frames
  alignas(64) SharedLock lock;
  /// Paced: frame N is due period_ns * N after frame_0_due_ns. 0: nobody can tell.
  alignas(64) std::atomic<std::int64_t> frame_0_due_ns, period_ns;

  std::int64_t due_ns(std::uint64_t sequence) const {
    return frame_0_due_ns + period_ns * static_cast<std::int64_t>(sequence);
  }
};

/// A mapping that two processes write.
class SharedMemory {
 public:
  static SharedMemory create(std::size_t size_bytes);
  static SharedMemory map(platform::UniqueFd fd, std::size_t size_bytes);
  SharedMemory() = default;
  SharedMemory(SharedMemory&& other) noexcept;
  SharedMemory& operator=(SharedMemory&& other) noexcept;
  ~SharedMemory();

  std::byte* data() const { return data_; }
  const platform::UniqueFd& fd() const { return fd_; }

 private:
  platform::UniqueFd fd_;
  std::byte* data_ = nullptr;
  std::size_t size_bytes_ = 0;
};

}  // namespace ferry::bench
