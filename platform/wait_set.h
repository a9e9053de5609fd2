#pragma once
// Waiting for any of several descriptors at once; itself a descriptor that can be waited for (epoll(7)).

#include <array>
#include <cstdint>
#include <span>

#include "platform/unique_fd.h"
#include "proto/result.h"

namespace ferry::platform {

class WaitSet {
 public:
  static proto::Result<WaitSet> create();

  /// @p fd stays the caller's and is removed before it is closed. @p key comes back from wait().
  proto::Result<void> add(const UniqueFd& fd, std::uint64_t key);
  void remove(const UniqueFd& fd);

  static constexpr std::size_t kMaxReady = 32;
  struct Ready {
    std::array<std::uint64_t, kMaxReady> keys;
    std::size_t count = 0;
    std::span<const std::uint64_t> view() const { return {keys.data(), count}; }
  };
  /// The keys of descriptors that are readable or closed by their peer; none when @p deadline_ns (CLOCK_MONOTONIC;
  /// negative: no deadline) passed. One system call.
  Ready wait(std::int64_t deadline_ns) const;

  /// Readable when wait() would return at once.
  const UniqueFd& fd() const { return epoll_; }

 private:
  UniqueFd epoll_;
};

}  // namespace ferry::platform
