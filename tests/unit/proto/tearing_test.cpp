// A producer and consumers at full speed, each in a thread of its own, over the real pages. A slot's picture is stamped
// all over with the number of its frame: whoever holds a frame must see that number, and nothing else, until it lets
// go. Built a second time with a producer that ignores holds, where these tests have to fail.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "test_stream.h"

namespace ferry::proto {
namespace {

using testing::kFirst;
using testing::TestConsumer;
using testing::TestStream;
using Clock = std::chrono::steady_clock;

constexpr auto kDuration = std::chrono::milliseconds(700);

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
  std::uint64_t taken = 0, torn = 0, out_of_order = 0, skipped = 0, last = 0;
  FrameTaker::Outcome unexpected = FrameTaker::Outcome::kNothing;
};

struct Party {
  ConsumerMode mode;
  std::uint32_t queue_depth;
  std::uint64_t frames_per_visit = 0;  ///< after so many frames it leaves and begins anew; 0: it stays
};

struct Setup {
  QueuePolicy policy;
  std::uint32_t slots;
  std::uint32_t frames_in_flight;
  std::uint32_t holds;  ///< frames a consumer holds before it gives the oldest back
  std::vector<Party> parties;
};

class Race {
 public:
  explicit Race(const Setup& setup) : stream(setup.slots, setup.policy), setup_(setup), pictures_(setup.slots) {}

  /// Takes frames and holds each for a while, looking at it in the first and in the last moment.
  void consume(TestConsumer& consumer, std::uint64_t frames_per_visit, Report& report) {
    std::optional<FrameTaker> taker(consumer.taker);
    std::deque<FrameRecord> held;
    auto let_oldest_go = [&] {
      const FrameRecord& record = held.front();
      if (!pictures_[record.slot].shows(record.sequence)) ++report.torn;
      consumer.writer.let_go(kFirst, record.slot, 0);
      held.pop_front();
    };
    while (!stop_.load(std::memory_order_relaxed)) {
      if (held.size() == setup_.holds) let_oldest_go();
      FrameTaker::Taken taken;
      const auto outcome = taker->try_take(taken);
      if (outcome != FrameTaker::Outcome::kTaken) {
        if (outcome != FrameTaker::Outcome::kNothing) report.unexpected = outcome;
        std::this_thread::yield();
        continue;
      }
      const FrameRecord& record = taken.record;
      if (!pictures_[record.slot].shows(record.sequence)) ++report.torn;
      const bool new_here = frames_per_visit == 0 ? report.taken == 0 : report.taken % frames_per_visit == 0;
      if (!new_here && record.sequence != report.last + taken.skipped + 1) ++report.out_of_order;
      report.last = record.sequence;
      report.skipped += taken.skipped;
      ++report.taken;
      if (frames_per_visit != 0 && report.taken % frames_per_visit == 0)
        taker.emplace(stream.new_taker(consumer.view, consumer.writer));
      held.push_back(record);
      std::this_thread::yield();  // on one core, too, the producer gets its turn while this is held
    }
    while (!held.empty()) let_oldest_go();
  }

  void produce() {
    std::deque<SlotChooser::Choice> begun;
    const auto end = Clock::now() + kDuration;
    while (Clock::now() < end) {
      const auto choice = begun.size() < setup_.frames_in_flight ? stream.choose() : std::nullopt;
      if (choice)
        begun.push_back(*choice);
      else if (!begun.empty())
        publish(begun);
      else
        std::this_thread::yield();
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

  const Setup& setup_;
  std::vector<Picture> pictures_;
  std::atomic<bool> stop_{false};
};

std::vector<Report> run(const Setup& setup) {
  const auto race = std::make_unique<Race>(setup);
  const auto& parties = setup.parties;
  std::vector<TestConsumer*> consumers;
  for (const Party& party : parties) consumers.push_back(&race->stream.add_consumer(party.mode, party.queue_depth));
  std::vector<Report> reports(parties.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < parties.size(); ++i)
    threads.emplace_back([&, i] { race->consume(*consumers[i], parties[i].frames_per_visit, reports[i]); });
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

constexpr Party kViewer{ConsumerMode::kLatest, 0};
constexpr Party kRecorder{ConsumerMode::kEvery, 4};

TEST(Tearing, NobodySeesAHeldFrameChange) { run({QueuePolicy::kDrop, 14, 2, 2, {kViewer, kViewer, kRecorder}}); }

// Every begin() goes for the frame that was the newest a moment ago, and that a viewer may be about to take.
TEST(Tearing, NobodySeesAHeldFrameChangeInTheSmallestPool) { run({QueuePolicy::kDrop, 2, 1, 1, {kViewer, kViewer}}); }

void expect_complete(const std::vector<Report>& reports) {
  for (const Report& report : reports) EXPECT_EQ(report.skipped, 0u);
}

TEST(Tearing, RecordersGetEveryFrameWhenTheProducerWaits) {
  expect_complete(run({QueuePolicy::kBlock, 13, 2, 2, {{ConsumerMode::kEvery, 1}, kRecorder}}));
}

// The queues are longer than the pool, so every begin() looks at slots that one recorder has read and the other has
// not.
TEST(Tearing, RecordersGetEveryFrameOfAPoolSmallerThanTheirQueues) {
  expect_complete(run({QueuePolicy::kBlock, 5, 2, 2, {{ConsumerMode::kEvery, 16}, {ConsumerMode::kEvery, 16}}}));
}

TEST(Tearing, ARecorderGetsEveryFrameFromItsFirstOn) {
  expect_complete(run({QueuePolicy::kBlock, 4, 1, 1, {{ConsumerMode::kEvery, 1, 2}, {ConsumerMode::kEvery, 1, 3}}}));
}

}  // namespace
}  // namespace ferry::proto
