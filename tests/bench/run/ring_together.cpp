#include "tests/bench/run/ring_together.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>

namespace ferry::bench {
namespace {

constexpr std::uint32_t kEntries = 64;
constexpr char kRing = 1;

}  // namespace

RingTogether::RingTogether() {
  io_uring_params params{};
  ring_ = platform::UniqueFd(static_cast<int>(::syscall(SYS_io_uring_setup, kEntries, &params)));
  if (!ring_ || (params.features & IORING_FEAT_SINGLE_MMAP) == 0) throw std::runtime_error("no io_uring here");
  rings_bytes_ = std::max<std::size_t>(params.sq_off.array + params.sq_entries * sizeof(std::uint32_t),
                                       params.cq_off.cqes + params.cq_entries * sizeof(io_uring_cqe));
  entries_bytes_ = params.sq_entries * sizeof(io_uring_sqe);
  const auto map = [&](std::size_t bytes, off_t at) {
    void* mapped = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_.get(), at);
    if (mapped == MAP_FAILED) throw std::runtime_error("the io_uring cannot be mapped");
    return mapped;
  };
  rings_ = map(rings_bytes_, IORING_OFF_SQ_RING);
  entries_ = static_cast<io_uring_sqe*>(map(entries_bytes_, IORING_OFF_SQES));
  const auto word = [&](std::uint32_t offset) {
    return reinterpret_cast<std::uint32_t*>(static_cast<std::byte*>(rings_) + offset);
  };
  submit_tail_ = word(params.sq_off.tail);
  submit_array_ = word(params.sq_off.array);
  submit_mask_ = *word(params.sq_off.ring_mask);
  complete_head_ = word(params.cq_off.head);
  complete_tail_ = word(params.cq_off.tail);
}

RingTogether::~RingTogether() {
  if (entries_ != nullptr) ::munmap(entries_, entries_bytes_);
  if (rings_ != nullptr) ::munmap(rings_, rings_bytes_);
}

void RingTogether::ring(std::span<const int> channels) {
  std::uint32_t tail = *submit_tail_;
  for (const int channel : channels) {
    const std::uint32_t at = tail++ & submit_mask_;
    entries_[at] = {};
    entries_[at].opcode = IORING_OP_SEND;
    entries_[at].fd = channel;
    entries_[at].addr = reinterpret_cast<std::uintptr_t>(&kRing);
    entries_[at].len = sizeof kRing;
    entries_[at].msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    submit_array_[at] = at;
  }
  std::atomic_ref(*submit_tail_).store(tail, std::memory_order_release);
  ::syscall(SYS_io_uring_enter, ring_.get(), channels.size(), 0, 0, nullptr, 0);
  // Whether they arrived is nobody's question here: everything that completed is forgotten.
  std::atomic_ref(*complete_head_)
      .store(std::atomic_ref(*complete_tail_).load(std::memory_order_acquire), std::memory_order_release);
}

}  // namespace ferry::bench
