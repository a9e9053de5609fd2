#include "platform/futex.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <limits>
#include <thread>
#include <vector>

#include "forked_child.h"
#include "platform/clock.h"
#include "platform/shared_page.h"
#include "proto/pages/stream_page.h"

namespace ferry::platform {
namespace {

using proto::AtomicU32;
using proto::StreamPage;
using testing::ForkedChild;

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kLong = 20'000 * kMs;  // a wait that must end before this

std::vector<FutexWord> words_of(const std::vector<AtomicU32>& words) {
  std::vector<FutexWord> out;
  for (const auto& word : words) out.push_back({&word, word.load()});
  return out;
}

TEST(Futex, DoesNotSleepWhenAWordHasMoved) {
  for (std::size_t count : {1u, 2u, 8u}) {
    std::vector<AtomicU32> words(count);
    const auto expected = words_of(words);
    words.back().store(1);
    EXPECT_EQ(futex_wait_any(expected, deadline_after(kLong)), FutexResult::kWoken) << count;
  }
}

TEST(Futex, SleepsUntilTheDeadlineAndNotMuchLonger) {
  for (std::size_t count : {1u, 3u}) {
    const std::vector<AtomicU32> words(count);
    const std::int64_t start = now_ns();
    EXPECT_EQ(futex_wait_any(words_of(words), deadline_after(30 * kMs)), FutexResult::kTimedOut) << count;
    EXPECT_GE(now_ns() - start, 30 * kMs);
    EXPECT_LT(now_ns() - start, kLong);
  }
}

TEST(Futex, ADeadlineThatHasPassedIsNoWait) {
  const std::vector<AtomicU32> words(2);
  EXPECT_EQ(futex_wait_any(words_of(words), now_ns() - kMs), FutexResult::kTimedOut);
  EXPECT_EQ(futex_wait_any(words_of(words), 0), FutexResult::kTimedOut);
}

TEST(Futex, AnyOfTheWordsWakes) {
  for (std::size_t moved = 0; moved < 8; ++moved) {
    std::vector<AtomicU32> words(8);
    const auto expected = words_of(words);
    std::thread waker([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      words[moved].store(1);
      futex_wake_all(words[moved]);
    });
    // Without a deadline, and with the farthest there is.
    const std::int64_t deadline = moved % 2 == 0 ? -1 : std::numeric_limits<std::int64_t>::max();
    EXPECT_EQ(futex_wait_any(expected, deadline), FutexResult::kWoken) << moved;
    waker.join();
  }
}

/// Sleeps on a page of which it has a read-only mapping; ends with 0 when it was woken and saw the word move.
int sleep_on(const UniqueFd& fd, std::size_t word_count) {
  const auto page = PeerPage<StreamPage>::map(fd, proto::PageKind::kStream);
  if (!page) return 10;
  const AtomicU32& doorbell = page->page().doorbell;
  const std::array<FutexWord, 2> words{{{&doorbell, 0}, {&page->page().producer_waiting, 0}}};
  if (futex_wait_any(std::span(words).first(word_count), deadline_after(kLong)) != FutexResult::kWoken) return 11;
  return doorbell.load() == 1 ? 0 : 12;
}

TEST(Futex, WakesAnotherProcessThatCanOnlyReadThePage) {
  for (std::size_t word_count : {1u, 2u}) {
    auto page = OwnedPage<StreamPage>::create(proto::PageKind::kStream, "test");
    ASSERT_TRUE(page);
    ForkedChild sleeper([&] { return sleep_on(page->fd(), word_count); });
    ASSERT_TRUE(sleeper.wait_until_asleep());
    page->page().doorbell.store(1);
    futex_wake_all(page->page().doorbell);
    EXPECT_EQ(sleeper.wait(), 0) << word_count << " words";
  }
}

TEST(Futex, OneWakeIsForEverybody) {
  auto page = OwnedPage<StreamPage>::create(proto::PageKind::kStream, "test");
  ASSERT_TRUE(page);
  ForkedChild first([&] { return sleep_on(page->fd(), 1); });
  ForkedChild second([&] { return sleep_on(page->fd(), 2); });
  ForkedChild third([&] { return sleep_on(page->fd(), 1); });
  ASSERT_TRUE(first.wait_until_asleep() && second.wait_until_asleep() && third.wait_until_asleep());
  page->page().doorbell.store(1);
  futex_wake_all(page->page().doorbell);
  EXPECT_EQ(first.wait(), 0);
  EXPECT_EQ(second.wait(), 0);
  EXPECT_EQ(third.wait(), 0);
}

TEST(Futex, AProcessThatCanOnlyReadThePageWakesItsWriter) {
  auto page = OwnedPage<StreamPage>::create(proto::PageKind::kStream, "test");
  ASSERT_TRUE(page);
  ForkedChild waker([&] {
    const auto peer = PeerPage<StreamPage>::map(page->fd(), proto::PageKind::kStream);
    if (!peer) return 10;
    for (;;) {  // until the test ends it
      futex_wake_all(peer->page().doorbell);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  });
  const FutexWord word{&page->page().doorbell, 0};
  EXPECT_EQ(futex_wait_any({&word, 1}, deadline_after(kLong)), FutexResult::kWoken);
}

}  // namespace
}  // namespace ferry::platform
