#pragma once
// Sync mode host: something is to happen once the GPU has reached a point, and nobody but the host can see it. One
// thread waits for the points in the order in which they were promised.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "platform/thread_name.h"
#include "platform/timeline.h"

namespace ferry::client {

template <class Payload>
class CompletionQueue {
 public:
  struct Item {
    std::shared_ptr<platform::Timeline> timeline;
    std::uint64_t value = 0;
    Payload payload;
  };
  /// Called on the queue's thread for each item in order: ok when the point was reached, else why it never will be.
  using Handler = std::function<void(Payload&, const proto::Result<void>&)>;

  explicit CompletionQueue(Handler handler) : handler_(std::move(handler)), thread_([this] { run(); }) {}

  /// Waits for what was promised at most until the thread's patience with a silent GPU ends (see run()).
  ~CompletionQueue() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  /// Allocates nothing. Wakes the thread if it sleeps. When kCapacity items wait it waits for room.
  void push(Item item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ < kCapacity; });
    items_[(first_ + count_++) % kCapacity] = std::move(item);
    lock.unlock();
    changed_.notify_all();
  }

  static constexpr std::size_t kCapacity = 128;

 private:
  // How long one wait for the GPU lasts before the thread looks whether it should stop: it is not woken by anything
  // else, and only a GPU that is stuck for this long makes it look.
  static constexpr std::int64_t kPatienceNs = 1'000'000'000;

  void run() {
    platform::name_this_thread("ferry-complete");
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return count_ > 0 || stopping_; });
      if (count_ == 0) return;
      Item item = std::move(items_[first_]);
      lock.unlock();
      proto::Result<void> reached = item.timeline->wait(item.value, kPatienceNs);
      while (!reached && reached.error().code == proto::ErrorCode::kTimeout && !stopping()) {
        reached = item.timeline->wait(item.value, kPatienceNs);
      }
      handler_(item.payload, reached);
      item = {};
      lock.lock();
      first_ = (first_ + 1) % kCapacity;  // only now: push() counts from here
      --count_;
      changed_.notify_all();
    }
  }
  bool stopping() {
    std::lock_guard lock(mutex_);
    return stopping_;
  }

  Handler handler_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Item, kCapacity> items_{};
  std::size_t first_ = 0, count_ = 0;
  bool stopping_ = false;
  std::thread thread_;  // last: it uses everything above
};

}  // namespace ferry::client
