#pragma once
// Wakes consumers for publish(): what the kernel takes for each sleeper would be the producer's time, and each that sleeps
// on a descriptor a system call, so a thread of the library pays it, and publish() makes one call however many sleep.

#include <array>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <thread>

#include "platform/unique_fd.h"
#include "proto/limits.h"
#include "proto/pages/page.h"

namespace ferry::client {

class CrowdBell {
 public:
  /// Up to so many that all sleep on the doorbell are woken sooner by whoever publishes: it is one call.
  static constexpr std::size_t kFew = 4;
  /// Shared, because a lease may end while its channel is still to be rung.
  using Channel = std::shared_ptr<const platform::UniqueFd>;

  /// @p doorbell outlives this.
  explicit CrowdBell(const proto::AtomicU32& doorbell);
  /// Rings what was asked for.
  ~CrowdBell();
  CrowdBell(const CrowdBell&) = delete;
  CrowdBell& operator=(const CrowdBell&) = delete;

  /// Soon: one FUTEX_WAKE on the doorbell if @p sleepers, and a ring into each of @p channels. Allocates nothing.
  void ring(bool sleepers, std::span<const Channel* const> channels);

 private:
  struct Asked {
    std::array<Channel, proto::kMaxLeases> channels;
    std::size_t count = 0;
    bool sleepers = false;
  };
  void run();

  const proto::AtomicU32& doorbell_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Asked> asked_ = std::make_unique<Asked>();
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace ferry::client
