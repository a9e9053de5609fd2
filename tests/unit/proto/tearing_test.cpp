// A producer and consumers at full speed, each in a thread of its own, over the real pages. A slot's picture is stamped
// all over with the number of its frame: whoever holds a frame must see that number, and nothing else, until it lets
// go. Built a second time with a producer that ignores holds, where these tests have to fail.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <thread>
#include <vector>

#include "test_stream.h"

namespace ferry::proto {
namespace {

using testing::kFirst;
using testing::TestConsumer;
using testing::TestStream;
using Clock = std::chrono::steady_clock;

constexpr auto kDuration = std::chrono::milliseconds(1000);
constexpr std::uint32_t kHolds = 2;

struct Picture {
  std::atomic<std::uint64_t> pixels[64] = {};
  std::uint64_t unguarded = 0;  ///< ordered by the pages alone: a race here is one that ThreadSanitizer reports

  void draw(std::uint64_t sequence) {
    for (auto& pixel : pixels) pixel.store(sequence, std::memory_order_relaxed);
    unguarded = sequence;
  }
  bool shows(std::uint64_t sequence) const {
    for (const auto& pixel : pixels)
      if (pixel.load(std::memory_order_relaxed) != sequence) return false;
    return unguarded == sequence;
  }
};

struct Report {
  std::uint64_t taken = 0, torn = 0, out_of_order = 0, skipped = 0, first = 0, last = 0;
  FrameTaker::Outcome unexpected = FrameTaker::Outcome::kNothing;
};

class Race {
 public:
  Race(std::uint32_t slots, QueuePolicy policy) : stream(slots, policy), pictures_(slots) {}

  /// Takes frames and holds each while it takes the next, looking at it from the first to the last moment.
  void consume(TestConsumer& consumer, Report& report) {
    std::deque<FrameRecord> held;
    auto let_oldest_go = [&] {
      const FrameRecord& record = held.front();
      if (!pictures_[record.slot].shows(record.sequence)) ++report.torn;
      consumer.writer.let_go(kFirst, record.slot, 0);
      held.pop_front();
    };
    while (!stop_.load(std::memory_order_relaxed)) {
      if (held.size() == kHolds) let_oldest_go();
      FrameTaker::Taken taken;
      const auto outcome = consumer.taker.try_take(taken);
      if (outcome != FrameTaker::Outcome::kTaken) {
        if (outcome != FrameTaker::Outcome::kNothing) report.unexpected = outcome;
        std::this_thread::yield();
        continue;
      }
      const FrameRecord& record = taken.record;
      if (!pictures_[record.slot].shows(record.sequence)) ++report.torn;
      if (report.taken == 0) report.first = record.sequence;
      if (report.taken != 0 && record.sequence != report.last + taken.skipped + 1) ++report.out_of_order;
      report.last = record.sequence;
      report.skipped += taken.skipped;
      ++report.taken;
      held.push_back(record);
    }
    while (!held.empty()) let_oldest_go();
  }

  /// Two slots begun at a time, as a renderer with two frames in flight does.
  void produce() {
    std::deque<SlotChooser::Choice> begun;
    const auto end = Clock::now() + kDuration;
    while (Clock::now() < end) {
      if (begun.size() < 2) {
        if (const auto choice = stream.choose()) begun.push_back(*choice);
      }
      if (begun.empty()) {
        std::this_thread::yield();
        continue;
      }
      if (begun.size() == 2 || stream.newest % 3 == 0) publish(begun);
    }
    stop_.store(true);
  }

  TestStream stream;

 private:
  void publish(std::deque<SlotChooser::Choice>& begun) {
    const FrameRecord record = stream.next_record(begun.front().slot);
    pictures_[record.slot].draw(record.sequence);
    stream.chooser.publish(record);
    begun.pop_front();
  }

  std::vector<Picture> pictures_;
  std::atomic<bool> stop_{false};
};

struct Party {
  ConsumerMode mode;
  std::uint32_t queue_depth;
};

std::vector<Report> run(QueuePolicy policy, const std::vector<Party>& parties) {
  std::uint32_t slots = 2 + 2;
  for (const Party& party : parties) slots += kHolds + party.queue_depth;
  const auto race = std::make_unique<Race>(slots, policy);
  std::vector<TestConsumer*> consumers;
  for (const Party& party : parties) consumers.push_back(&race->stream.add_consumer(party.mode, party.queue_depth));
  std::vector<Report> reports(parties.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < parties.size(); ++i)
    threads.emplace_back([&, i] { race->consume(*consumers[i], reports[i]); });
  race->produce();
  for (auto& thread : threads) thread.join();
  for (const Report& report : reports) {
    EXPECT_EQ(report.torn, 0u);
    EXPECT_EQ(report.out_of_order, 0u);
    EXPECT_EQ(report.unexpected, FrameTaker::Outcome::kNothing);
    EXPECT_GT(report.taken, 10u);
  }
  return reports;
}

TEST(Tearing, NobodySeesAHeldFrameChangeWhenOldFramesAreDropped) {
  run(QueuePolicy::kDrop, {{ConsumerMode::kLatest, 0}, {ConsumerMode::kLatest, 0}, {ConsumerMode::kEvery, 4}});
}

TEST(Tearing, RecordersGetEveryFrameWhenTheProducerWaitsForThem) {
  const auto reports =
      run(QueuePolicy::kBlock, {{ConsumerMode::kEvery, 1}, {ConsumerMode::kEvery, 4}, {ConsumerMode::kLatest, 0}});
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(reports[i].skipped, 0u);
    EXPECT_EQ(reports[i].taken, reports[i].last - reports[i].first + 1);
  }
}

}  // namespace
}  // namespace ferry::proto
