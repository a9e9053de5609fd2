// What a producer keeps of a consumer that is gone. While NVIDIA's driver buries a process whose work never ends, whoever frees
// anything stands still (docs/gpu-runs.md), so this is not left to be seen on a GPU alone.

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/deadline.h"
#include "tests/unit/client/library_test.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::client {
namespace {

using namespace std::chrono_literals;

/// Outlives its timeline.
struct Fate {
  std::atomic<std::uint64_t> value{0};
  std::atomic<bool> is_gone{false};
};

class WatchedTimeline final : public StandInTimeline {
 public:
  explicit WatchedTimeline(std::shared_ptr<Fate> fate) : fate_(std::move(fate)) {}
  ~WatchedTimeline() override { fate_->is_gone = true; }
  proto::Result<std::uint64_t> value() const override { return fate_->value.load(); }

 private:
  std::shared_ptr<Fate> fate_;
};

/// The timelines of generations have reached everything, those of leases what a test says.
class WatchfulDevice final : public StandInDevice {
 public:
  using StandInDevice::import;
  using StandInDevice::StandInDevice;

  proto::Result<std::unique_ptr<platform::Timeline>> import(platform::UniqueFd) override {
    const std::lock_guard lock(mutex_);
    fates_.push_back(std::make_shared<Fate>());
    if (fates_.size() == 1) fates_[0]->value = UINT64_MAX;  // the first generation's; there is no other
    return std::unique_ptr<platform::Timeline>(std::make_unique<WatchedTimeline>(fates_.back()));
  }
  std::shared_ptr<Fate> newest() const {
    const std::lock_guard lock(mutex_);
    return fates_.back();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Fate>> fates_;
};

class DeadLease : public LibraryTest {
 protected:
  void SetUp() override {
    auto gpu = std::make_shared<daemon::test::FakeGpu>();
    const platform::DeviceCapabilities capabilities = gpu->capabilities();
    connect(std::move(gpu), "renderer");
    auto device = std::make_unique<WatchfulDevice>(capabilities);
    watchful_ = device.get();
    use(std::move(device));
    ferry_stream_info info = FERRY_STREAM_INFO_INIT;
    info.name = "cam";
    info.image.width_px = info.image.height_px = 64;
    info.image.format = FERRY_FORMAT_RGBA8_UNORM;
    ASSERT_EQ(ferry_producer_create(connection_, device_, &info, &producer_), FERRY_OK) << ferry_last_error();
    client_ = std::make_unique<daemon::test::RawClient>(broker_->socket());
    client_->greet("viewer");
    viewer_ = std::make_unique<daemon::test::RawConsumer>(*client_, capabilities, "cam");
    viewer_->attach();
    ASSERT_TRUE(has_consumers(1));
    release_ = watchful_->newest();
  }
  /// It has read slot 0, says its page, once its GPU has reached @p point.
  void promise(std::uint64_t point) {
    proto::LeasePageWriter(viewer_->page.page()).let_go(proto::GenerationId{1}, 0, point);
  }
  void die() {
    client_->close();
    ASSERT_TRUE(has_consumers(0));
  }
  bool has_consumers(std::uint32_t count) const {
    ferry_stream_state state{};
    state.struct_size = FERRY_STREAM_STATE_SIZE;
    for (const ferry::test::Deadline deadline(10s); !deadline.passed(); std::this_thread::sleep_for(1ms)) {
      EXPECT_EQ(ferry_producer_get_state(producer_, &state), FERRY_OK) << ferry_last_error();
      if (state.consumer_count == count) return true;
    }
    return false;
  }
  void draw_a_frame() {
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    ASSERT_EQ(ferry_producer_begin(producer_, 1'000'000'000, &target), FERRY_OK) << ferry_last_error();
    ASSERT_EQ(ferry_producer_publish(producer_, target.id, nullptr), FERRY_OK) << ferry_last_error();
  }
  /// While frames are drawn.
  bool timeline_goes_within(std::chrono::milliseconds time) {
    for (const ferry::test::Deadline deadline(time); !deadline.passed(); std::this_thread::sleep_for(1ms)) {
      draw_a_frame();
      if (release_->is_gone) return true;
    }
    return false;
  }

  WatchfulDevice* watchful_ = nullptr;
  std::unique_ptr<daemon::test::RawClient> client_;
  std::unique_ptr<daemon::test::RawConsumer> viewer_;
  std::shared_ptr<Fate> release_;
};

TEST_F(DeadLease, KeepsItsTimelineUntilWhatItPromisedIsReached) {
  draw_a_frame();
  promise(7);
  die();
  release_->value = 6;
  EXPECT_FALSE(timeline_goes_within(300ms));
  release_->value = 7;
  EXPECT_TRUE(timeline_goes_within(10s));
}

TEST_F(DeadLease, KeepsNothingForWhatNobodyCanReach) {
  draw_a_frame();
  promise(std::uint64_t{1} << 40);
  die();
  EXPECT_TRUE(timeline_goes_within(10s));
}

TEST_F(DeadLease, KeepsNothingWhereNothingWasPromised) {
  draw_a_frame();
  die();
  EXPECT_TRUE(timeline_goes_within(10s));
}

}  // namespace
}  // namespace ferry::client
