#include "client/src/completion_queue.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>
#include <vector>

namespace ferry::client {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;
using namespace std::chrono_literals;

/// A timeline without a GPU: the test signals it.
class FakeTimeline : public platform::Timeline {
 public:
  VkSemaphore semaphore() const override { return VK_NULL_HANDLE; }
  Result<std::uint64_t> value() const override {
    std::lock_guard lock(mutex_);
    return value_;
  }
  Result<void> signal(std::uint64_t value) override {
    std::lock_guard lock(mutex_);
    value_ = value;
    changed_.notify_all();
    return {};
  }
  Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const override {
    std::unique_lock lock(mutex_);
    const bool reached = changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [&] { return lost_ || value_ >= value; });
    if (lost_) return Error{ErrorCode::kDeviceLost, "lost"};
    if (!reached) return Error{ErrorCode::kTimeout, "not reached"};
    return {};
  }
  void lose() {
    std::lock_guard lock(mutex_);
    lost_ = true;
    changed_.notify_all();
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::uint64_t value_ = 0;
  bool lost_ = false;
};

/// What the handler was told, for a test to wait for.
class Log {
 public:
  void add(int payload, bool reached) {
    std::lock_guard lock(mutex_);
    entries_.emplace_back(payload, reached);
    changed_.notify_all();
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [&] { return entries_.size() >= count; });
  }
  std::vector<std::pair<int, bool>> entries() {
    std::lock_guard lock(mutex_);
    return entries_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::pair<int, bool>> entries_;
};

struct CompletionQueueTest : ::testing::Test {
  std::shared_ptr<FakeTimeline> timeline = std::make_shared<FakeTimeline>();
  Log log;
  std::optional<CompletionQueue<int>> queue{std::in_place, [this](int& payload, const Result<void>& reached) {
                                              log.add(payload, static_cast<bool>(reached));
                                            }};
};

TEST_F(CompletionQueueTest, HandlesNothingBeforeItsPointAndKeepsTheOrder) {
  for (int i = 1; i <= 5; ++i) queue->push({timeline, static_cast<std::uint64_t>(i), i});
  EXPECT_TRUE(log.entries().empty());
  (void)timeline->signal(2);
  ASSERT_TRUE(log.wait_for(2));
  EXPECT_EQ(log.entries(), (std::vector<std::pair<int, bool>>{{1, true}, {2, true}}));
  (void)timeline->signal(5);
  ASSERT_TRUE(log.wait_for(5));
  EXPECT_EQ(log.entries().back(), std::pair(5, true));
}

TEST_F(CompletionQueueTest, AFullQueueMakesThePusherWaitAndLosesNothing) {
  constexpr int kItems = 3 * static_cast<int>(CompletionQueue<int>::kCapacity);
  auto pusher = std::async(std::launch::async, [&] {
    for (int i = 1; i <= kItems; ++i) queue->push({timeline, static_cast<std::uint64_t>(i), i});
  });
  EXPECT_EQ(pusher.wait_for(50ms), std::future_status::timeout) << "more than kCapacity items were taken";
  (void)timeline->signal(kItems);
  ASSERT_EQ(pusher.wait_for(30s), std::future_status::ready);
  ASSERT_TRUE(log.wait_for(kItems));
  const auto entries = log.entries();
  for (int i = 0; i < kItems; ++i) ASSERT_EQ(entries[static_cast<std::size_t>(i)], std::pair(i + 1, true));
}

TEST_F(CompletionQueueTest, SaysSoWhenTheDeviceIsLost) {
  queue->push({timeline, 1, 1});
  timeline->lose();
  ASSERT_TRUE(log.wait_for(1));
  EXPECT_EQ(log.entries().front(), std::pair(1, false));
}

TEST_F(CompletionQueueTest, FinishesWhatWasPromisedWhenItEnds) {
  for (int i = 1; i <= 3; ++i) queue->push({timeline, static_cast<std::uint64_t>(i), i});
  (void)timeline->signal(3);
  queue.reset();
  EXPECT_EQ(log.entries().size(), 3u);
}

TEST_F(CompletionQueueTest, EndsEvenWhenTheGpuNeverDoes) {
  queue->push({timeline, 1, 1});
  queue.reset();  // returns, after the thread's patience with the GPU
  EXPECT_EQ(log.entries(), (std::vector<std::pair<int, bool>>{{1, false}}));
}

}  // namespace
}  // namespace ferry::client
