#pragma once
// Rings many channels with one system call (io_uring(7)).

#include <cstdint>
#include <span>

#include "platform/unique_fd.h"

struct io_uring_sqe;
struct io_uring_cqe;

namespace ferry::bench {

class RingTogether {
 public:
  /// Throws where the kernel offers none.
  RingTogether();
  ~RingTogether();
  RingTogether(const RingTogether&) = delete;
  RingTogether& operator=(const RingTogether&) = delete;

  /// One byte into each of @p channels, as platform::ring_channel() does it. At most 64.
  void ring(std::span<const int> channels);

 private:
  platform::UniqueFd ring_;
  void* rings_ = nullptr;
  std::size_t rings_bytes_ = 0, entries_bytes_ = 0;
  io_uring_sqe* entries_ = nullptr;
  std::uint32_t* submit_tail_ = nullptr;
  std::uint32_t* submit_array_ = nullptr;
  std::uint32_t* complete_head_ = nullptr;
  std::uint32_t* complete_tail_ = nullptr;
  std::uint32_t submit_mask_ = 0;
};

}  // namespace ferry::bench
