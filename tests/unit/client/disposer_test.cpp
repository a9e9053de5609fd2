// That whoever draws or shows frames does not wait for the driver to free something.

#include "client/src/disposer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace ferry::client {
namespace {

using namespace std::chrono_literals;

/// What a driver frees only when the test lets it.
struct Stubborn {
  Stubborn(std::shared_future<void> freed, std::atomic<int>& count) : until(std::move(freed)), gone(count) {}
  ~Stubborn() {
    on = std::this_thread::get_id();
    until.wait_for(30s);
    ++gone;
  }
  std::shared_future<void> until;
  std::atomic<int>& gone;
  static inline std::thread::id on;
};

TEST(Disposers, NobodyWaitsForTheDriver) {
  std::atomic<int> gone = 0;
  std::promise<void> freed;
  const auto until = freed.get_future().share();
  {
    Disposer disposer;
    disposer.dispose(std::make_shared<Stubborn>(until, gone));
    disposer.dispose(std::make_shared<Stubborn>(until, gone));
    EXPECT_EQ(gone, 0) << "the driver holds on to both";
    freed.set_value();
  }
  EXPECT_EQ(gone, 2) << "nothing outlives the disposer";
  EXPECT_NE(Stubborn::on, std::this_thread::get_id());
}

TEST(Disposers, AThreadThatHasEndedIsFollowedByAnother) {
  std::atomic<int> gone = 0;
  std::promise<void> freed;
  freed.set_value();
  const auto until = freed.get_future().share();
  Disposer disposer;
  for (int i = 1; i <= 100; ++i) {
    disposer.dispose(std::make_shared<Stubborn>(until, gone));
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (gone != i && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    ASSERT_EQ(gone, i);
  }
}

}  // namespace
}  // namespace ferry::client
