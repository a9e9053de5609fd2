#pragma once
// Where descriptors go that came from a peer, or that a peer can send descriptors through. How long close(2) takes is the
// peer's choice: a TCP socket lingers for as long as it has set, a file on FUSE asks its server, and a Unix socket takes all
// with it that lies unread in it. The loop waits for nobody, so a thread does this.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "platform/unique_fd.h"

namespace ferry::daemon {

/// One user's: who makes it wait waits for himself alone.
class FdBin : public std::enable_shared_from_this<FdBin> {
 public:
  /// This many at once are no ordinary end of many sessions, or have waited for one that does not close.
  static constexpr std::size_t kMost = 2048, kMostThatWait = 256;

  static std::shared_ptr<FdBin> create() { return std::shared_ptr<FdBin>(new FdBin); }
  FdBin(const FdBin&) = delete;
  FdBin& operator=(const FdBin&) = delete;

  /// Never waits. The thread lives, and the bin with it, for as long as something is left to close; a broker that exits
  /// leaves the rest to the kernel, whose exit(2) lingers for nobody.
  void take(platform::UniqueFd fd);
  void take(std::vector<platform::UniqueFd> fds);

  /// Not closed yet.
  std::size_t held() const { return held_; }
  /// No more of this user's descriptors are to be received until some have been closed.
  bool is_clogged() const;

 private:
  FdBin() = default;
  void start();  // with the lock
  void run();
  void close(platform::UniqueFd fd);

  std::mutex mutex_;
  std::vector<platform::UniqueFd> waiting_;
  bool running_ = false;
  std::atomic<std::size_t> held_{0};
  std::atomic<std::int64_t> closing_since_ns_{0};  ///< 0: nothing is being closed
};

}  // namespace ferry::daemon
