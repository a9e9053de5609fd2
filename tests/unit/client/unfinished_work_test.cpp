// Frames whose GPU work is stuck, or died with its process: libferry's consumer over timelines that a test moves, a broker in this
// process, and a producer that can be killed.

#include "client/src/unfinished_work.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "platform/clock.h"
#include "platform/file_identity.h"
#include "proto/frame_taker.h"
#include "tests/support/deadline.h"
#include "tests/unit/client/library_test.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::client {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kSecondNs = 1'000'000'000;

struct Counter {
  std::mutex mutex;
  std::condition_variable moved;
  std::uint64_t value = 0;

  void set(std::uint64_t to) {
    const std::lock_guard lock(mutex);
    value = to;
    moved.notify_all();
  }
};

class SteeredTimeline final : public StandInTimeline {
 public:
  explicit SteeredTimeline(std::shared_ptr<Counter> counter) : counter_(std::move(counter)) {}
  proto::Result<std::uint64_t> value() const override {
    const std::lock_guard lock(counter_->mutex);
    return counter_->value;
  }
  proto::Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const override {
    std::unique_lock lock(counter_->mutex);
    if (counter_->moved.wait_for(lock, std::chrono::nanoseconds(timeout_ns), [&] { return counter_->value >= value; })) return {};
    return proto::Error{proto::ErrorCode::kTimeout, "not yet"};
  }

 private:
  std::shared_ptr<Counter> counter_;
};

/// Every timeline is the test's to move, whoever imports it.
class SteeredDevice final : public StandInDevice {
 public:
  using StandInDevice::import;
  using StandInDevice::StandInDevice;

  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd fd) override {
    return std::unique_ptr<platform::Timeline>(std::make_unique<SteeredTimeline>(counter(fd)));
  }
  std::shared_ptr<Counter> counter(const platform::UniqueFd& fd) {
    const auto file = platform::identify_file(fd);
    const std::lock_guard lock(mutex_);
    auto& found = counters_[file->inode];
    if (!found) found = std::make_shared<Counter>();
    return found;
  }

 private:
  std::mutex mutex_;
  std::map<ino_t, std::shared_ptr<Counter>> counters_;
};

class UnfinishedFrames : public LibraryTest {
 protected:
  void SetUp() override {
    gpu_ = std::make_shared<daemon::test::FakeGpu>();
    connect(gpu_, "viewer");
    auto device = std::make_unique<SteeredDevice>(gpu_->capabilities());
    steered_ = device.get();
    use(std::move(device));
    renderer_ = std::make_unique<daemon::test::StandIn>(broker_->socket());
    renderer_->client().greet("renderer");
    stream_ = std::make_unique<daemon::test::RawProducer>(renderer_->client(), gpu_->capabilities(), "cam");
    stream_->create();
    drawn_ = steered_->counter(stream_->fds[1]);
  }
  void TearDown() override {
    drawn_->set(UINT64_MAX);  // or the end of what waits for it takes a second
    LibraryTest::TearDown();
  }
  void attach(bool orphan = false) {
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "cam";
    ASSERT_EQ(ferry_consumer_attach(connection_, device_, &info, &consumer_), FERRY_OK) << ferry_last_error();
    if (orphan) return;
    const auto added = renderer_->client().expect<wire::LeaseAddedT>().first;
    proto::StreamPageWriter(stream_->page.page()).admit(added.lease_index, proto::LeaseId{added.lease});
  }
  /// Frame n signals point n when it is drawn, which takes this long already.
  void publish(std::chrono::nanoseconds age) {
    proto::FrameRecord record{};
    record.sequence = stream_->next_sequence++;
    record.generation = 1;
    record.slot = static_cast<std::uint32_t>(record.sequence % 3);
    record.acquire_point = record.sequence;
    record.produced_ns = static_cast<std::uint64_t>(platform::now_ns() - age.count());
    record.orientation = proto::Orientation::kNormal;
    proto::StreamPageWriter(stream_->page.page()).publish(record);
  }
  /// Of the frame that is there, which is let go of again; 0: none is.
  std::uint64_t acquire(std::int64_t timeout_ns = 0) {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    const int32_t got = ferry_consumer_acquire(consumer_, timeout_ns, &frame);
    if (got == FERRY_ERROR_WOULD_BLOCK || got == FERRY_ERROR_TIMEOUT) return 0;
    EXPECT_EQ(got, FERRY_OK) << ferry_last_error();
    EXPECT_EQ(ferry_consumer_release(consumer_, frame.sequence, FERRY_RELEASE_UNUSED), FERRY_OK) << ferry_last_error();
    return frame.sequence;
  }
  bool is_told(std::uint32_t event) {
    ferry_event told{};
    told.struct_size = FERRY_EVENT_SIZE;
    for (const ferry::test::Deadline deadline(10s); !deadline.passed(); std::this_thread::sleep_for(1ms))
      if (ferry_consumer_next_event(consumer_, &told) == FERRY_OK && told.type == event) return true;
    return false;
  }
  /// The broker's view of the producer's timeline, and ours.
  void finish(std::uint64_t point) {
    drawn_->set(point);
    broker_->on_loop([&] { *gpu_->counters().at(0) = point; });
  }

  std::shared_ptr<daemon::test::FakeGpu> gpu_;
  SteeredDevice* steered_ = nullptr;
  std::unique_ptr<daemon::test::StandIn> renderer_;
  std::unique_ptr<daemon::test::RawProducer> stream_;
  std::shared_ptr<Counter> drawn_;
};

TEST_F(UnfinishedFrames, AreHandedOverWhileTheyAreDrawn) {
  attach();
  publish(0s);
  EXPECT_EQ(acquire(), 1u);
  publish(0s);
  EXPECT_EQ(acquire(), 2u) << "the two GPUs' work overlaps";
}

TEST_F(UnfinishedFrames, ThatAreStuckAreNobodysToWaitFor) {
  publish(5s);
  finish(1);
  publish(4s);
  attach();
  EXPECT_EQ(acquire(), 1u);
  EXPECT_EQ(acquire(), 0u);
}

TEST_F(UnfinishedFrames, BehindOneThatIsStuckAreNoBetter) {
  publish(5s);
  finish(1);
  publish(4s);
  publish(0s);
  attach();
  EXPECT_EQ(acquire(), 1u);
}

TEST_F(UnfinishedFrames, AreBetterNotShownThanWaitedFor) {
  publish(5s);
  attach();
  EXPECT_EQ(acquire(), 0u);
}

TEST_F(UnfinishedFrames, OfASleeperWakeItWhenTheyAreFinishedAfterAll) {
  publish(5s);
  attach();
  EXPECT_EQ(acquire(), 0u);
  std::thread gpu([this] {
    std::this_thread::sleep_for(200ms);
    finish(1);
  });
  EXPECT_EQ(acquire(20 * kSecondNs), 1u);
  gpu.join();
}

TEST_F(UnfinishedFrames, RingTheEventLoopWhenTheyAreFinishedAfterAll) {
  publish(5s);
  attach();
  int fd = -1;
  ASSERT_EQ(ferry_consumer_get_fd(consumer_, &fd), FERRY_OK) << ferry_last_error();
  EXPECT_EQ(acquire(), 0u);
  finish(1);
  pollfd readable{fd, POLLIN, 0};
  EXPECT_EQ(poll(&readable, 1, ferry::test::Deadline(20s).left_ms()), 1);
  EXPECT_EQ(acquire(), 1u);
}

TEST_F(UnfinishedFrames, OfADeadProducerAreNotTheLastOneOnShow) {
  publish(0s);
  publish(0s);
  finish(1);
  attach();
  renderer_->kill();
  EXPECT_TRUE(is_told(FERRY_EVENT_ORPHANED));
  drawn_->set(2);  // as the broker has, so that nobody waits
  EXPECT_EQ(acquire(), 1u);
  EXPECT_EQ(acquire(), 0u);
}

TEST_F(UnfinishedFrames, OfADeadProducerAreNotForWhoComesLater) {
  publish(0s);
  publish(0s);
  finish(1);
  daemon::test::RawClient other(broker_->socket());
  other.greet("the one that keeps the stream");
  daemon::test::RawConsumer keeper(other, gpu_->capabilities(), "cam");
  keeper.attach();
  renderer_->kill();
  for (const ferry::test::Deadline deadline(10s); !deadline.passed(); std::this_thread::sleep_for(1ms)) {
    std::uint64_t signalled = 0;
    broker_->on_loop([&] { signalled = *gpu_->counters().at(0); });
    if (signalled == 2) break;
  }
  drawn_->set(2);
  attach(true);
  EXPECT_EQ(acquire(), 1u);
}

TEST(NewestFinishedFrame, IsOneThatNobodyHasOverwritten) {
  auto page = std::make_unique<proto::StreamPage>();
  proto::StreamPageWriter writer(*page);
  const proto::StreamPageReader reader(*page);
  for (std::uint64_t sequence = 1; sequence <= 4; ++sequence) {
    proto::FrameRecord record{};
    record.sequence = sequence;
    record.generation = 1;
    record.slot = static_cast<std::uint32_t>(sequence);
    writer.publish(record);
  }
  EXPECT_EQ(newest_finished_before(4, reader), 3u);
  writer.begin_overwrite(proto::GenerationId{1}, 3);
  EXPECT_EQ(newest_finished_before(4, reader), 2u);
  EXPECT_EQ(newest_finished_before(1, reader), proto::FrameTaker::kUnbounded);
}

}  // namespace
}  // namespace ferry::client
