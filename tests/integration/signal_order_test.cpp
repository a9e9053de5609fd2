// A consumer that holds several frames and reads them in another order than it acquired them.

#include <set>

#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/deadline.h"
#include "tests/support/picture_reader.h"

namespace ferry::test {
namespace {

class SignalOrder : public StreamTest {
 protected:
  static constexpr std::uint32_t kHolds = 3;

  void attach(const std::string& name) {
    seed_ = seed_of(name);
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = name.c_str();
    info.mode = FERRY_CONSUMER_EVERY;
    info.max_holds = kHolds;
    info.queue_depth = 4;
    check(ferry_consumer_attach(session().connection(), session().device(), &info, &consumer_), "ferry_consumer_attach");
    reader_ = std::make_unique<PictureReader>(session().gpu(), Engine::kCpu);
  }
  void detach() {
    reader_.reset();
    EXPECT_EQ(ferry_consumer_destroy(consumer_), FERRY_OK) << ferry_last_error();
  }

  ferry_frame acquire() {
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    check(ferry_consumer_acquire(consumer_, 20'000'000'000, &frame), "ferry_consumer_acquire");
    return frame;
  }
  void renew(ferry_frame& frame) { check(ferry_consumer_renew_signal(consumer_, &frame), "ferry_consumer_renew_signal"); }
  /// Every pixel, in work that signals when it is done.
  void read(const ferry_frame& frame) {
    EXPECT_EQ(reader_->count_wrong(frame, {seed_, frame.sequence}, PictureReader::Part::kOnly), 0u) << frame.sequence;
  }
  void release(const ferry_frame& frame, std::uint32_t flags = FERRY_RELEASE_SIGNALLED) {
    check(ferry_consumer_release(consumer_, frame.sequence, flags), "ferry_consumer_release");
  }

  /// The slots of the next @p frames.
  std::set<std::uint32_t> slots_to_come(int frames) {
    std::set<std::uint32_t> slots;
    for (int i = 0; i < frames; ++i) {
      const ferry_frame frame = acquire();
      read(frame);
      release(frame);
      slots.insert(frame.slot);
    }
    return slots;
  }

  std::uint32_t seed_ = 0;
  ferry_consumer* consumer_ = nullptr;
  std::unique_ptr<PictureReader> reader_;
};

TEST_F(SignalOrder, TheLaterFrameMayBeReadFirst) {
  auto producer = start_producer({"--name", "cam", "--size", "64x32:RGBA8", "--policy", "block", "--rate", "0"});
  attach("cam");
  for (int round = 0; round < 5; ++round) {
    ferry_frame first = acquire(), second = acquire();
    ASSERT_LT(first.signal_value, second.signal_value);
    ASSERT_NE(first.slot, second.slot);
    renew(second);
    read(second);
    const std::uint64_t before = first.signal_value;
    renew(first);
    EXPECT_GT(first.signal_value, second.signal_value) << "it was " << before;
    read(first);
    release(first);
    release(second);
    // A pool has no more slots than this: the producer gets all of them back.
    const auto slots = slots_to_come(32);
    EXPECT_TRUE(slots.contains(first.slot) && slots.contains(second.slot)) << "round " << round;
  }
  detach();
  EXPECT_EQ(session().validation_errors(), 0u);
  stop_and_check(producer);
}

TEST_F(SignalOrder, RenewingIsForFramesThatAreHeld) {
  auto producer = start_producer({"--name", "cam", "--size", "64x32:RGBA8", "--policy", "block", "--rate", "0"});
  attach("cam");
  ferry_frame first = acquire(), second = acquire(), third = acquire();
  const std::uint64_t highest = third.signal_value;
  renew(third);
  EXPECT_EQ(third.signal_value, highest) << "it has the highest already";
  release(second, FERRY_RELEASE_UNUSED);
  EXPECT_EQ(ferry_consumer_renew_signal(consumer_, &second), FERRY_ERROR_INVALID_STATE);
  EXPECT_NE(std::string(ferry_last_error()).find("is not held"), std::string::npos) << ferry_last_error();
  ferry_frame nothing{};
  nothing.struct_size = FERRY_FRAME_SIZE;
  EXPECT_EQ(ferry_consumer_renew_signal(consumer_, &nothing), FERRY_ERROR_INVALID_STATE);
  first.struct_size = 8;
  EXPECT_EQ(ferry_consumer_renew_signal(consumer_, &first), FERRY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(ferry_consumer_renew_signal(consumer_, nullptr), FERRY_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(ferry_consumer_renew_signal(nullptr, &third), FERRY_ERROR_STALE_HANDLE);
  release(first, FERRY_RELEASE_UNUSED);
  release(third, FERRY_RELEASE_UNUSED);
  detach();
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
