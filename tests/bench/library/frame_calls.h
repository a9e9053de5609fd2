#pragma once
// The four calls of a frame, as a benchmark makes them.

#include "ferry/ferry.h"
#include "tests/support/check.h"

namespace ferry::bench {

inline std::uint64_t begin_frame(ferry_producer* producer) {
  ferry_target target{};
  target.struct_size = FERRY_TARGET_SIZE;
  test::check(ferry_producer_begin(producer, 30'000'000'000, &target), "ferry_producer_begin");
  return target.id;
}

inline void publish_frame(ferry_producer* producer, std::uint64_t target) {
  test::check(ferry_producer_publish(producer, target, nullptr), "ferry_producer_publish");
}

/// The number of the frame, 0 when there is none yet.
inline std::uint64_t acquire_frame(ferry_consumer* consumer, std::int64_t timeout_ns) {
  ferry_frame frame{};
  frame.struct_size = FERRY_FRAME_SIZE;
  const std::int32_t code = ferry_consumer_acquire(consumer, timeout_ns, &frame);
  if (code == FERRY_ERROR_TIMEOUT || code == FERRY_ERROR_WOULD_BLOCK) return 0;
  test::check(code, "ferry_consumer_acquire");
  return frame.sequence;
}

inline void release_frame(ferry_consumer* consumer, std::uint64_t sequence) {
  test::check(ferry_consumer_release(consumer, sequence, FERRY_RELEASE_SIGNALLED), "ferry_consumer_release");
}

}  // namespace ferry::bench
