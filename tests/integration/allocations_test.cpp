// The calls of the frame path allocate nothing, whatever their answer.

#include <cstdlib>
#include <thread>

#include "ferry/ferry_vulkan.h"
#include "platform/thread_name.h"
#include "tests/integration/stream_test.h"
#include "tests/support/allocation_counter.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

using Allocations = StreamTest;

TEST_F(Allocations, TheCounterCounts) {
  const AllocationCount count;
  void* volatile memory = std::malloc(100);
  std::free(memory);
  void* volatile object = ::operator new(100);
  ::operator delete(object);
  EXPECT_EQ(count.allocations(), 2u);
}

TEST_F(Allocations, TheCounterKnowsTheLibrarysThreads) {
  watch_library_threads();
  std::thread([] { std::free(std::malloc(100)); }).join();
  EXPECT_EQ(library_thread_allocations(), 0u);
  std::thread([] {
    platform::name_this_thread("ferry-test");
    void* volatile memory = std::malloc(100);
    std::free(memory);
  }).join();
  EXPECT_EQ(library_thread_allocations(), 1u);
}

TEST_F(Allocations, NoneOnTheFramePath) {
  Session own({.socket = broker_.socket(), .validation = false});  // the layer allocates on whatever thread calls it
  constexpr int kWarmUp = 20;
  constexpr int kFrames = 300;
  ProducerOptions produce;
  produce.name = "cam";
  produce.shape = {64, 64, FERRY_FORMAT_RGBA8_UNORM};
  PictureProducer owner(own.connection(), own.device(), own.gpu(), produce);
  ConsumerOptions consume;
  consume.name = "cam";
  PictureConsumer reader(own.connection(), own.device(), own.gpu(), consume);
  PictureWriter writer(own.gpu(), Engine::kCpu);
  PictureReader pictures(own.gpu(), Engine::kCpu);

  struct {
    std::uint64_t begin, publish, acquire, release, empty_acquire;
  } allocated{};
  for (int i = 0; i < kWarmUp + kFrames; ++i) {
    if (i == kWarmUp) {
      allocated = {};
      watch_library_threads();
    }
    ferry_target target{};
    target.struct_size = FERRY_TARGET_SIZE;
    {
      const AllocationCount count;
      const std::int32_t code = ferry_producer_begin(owner.handle(), 10'000'000'000, &target);
      allocated.begin += count.allocations();
      ASSERT_EQ(code, FERRY_OK) << ferry_last_error();
    }
    const Picture picture{seed_of("cam"), static_cast<std::uint64_t>(i) + 1};
    writer.draw(target, picture);
    {
      ferry_frame_metadata metadata{};
      metadata.struct_size = sizeof metadata;
      const AllocationCount count;
      const std::int32_t code = ferry_producer_publish(owner.handle(), target.id, &metadata);
      allocated.publish += count.allocations();
      ASSERT_EQ(code, FERRY_OK) << ferry_last_error();
    }
    ferry_frame frame{};
    frame.struct_size = FERRY_FRAME_SIZE;
    {
      const AllocationCount count;
      const std::int32_t code = ferry_consumer_acquire(reader.handle(), 10'000'000'000, &frame);
      allocated.acquire += count.allocations();
      ASSERT_EQ(code, FERRY_OK) << ferry_last_error();
    }
    EXPECT_EQ(pictures.count_wrong(frame, picture, PictureReader::Part::kOnly), 0u);
    {
      const AllocationCount count;
      const std::int32_t code = ferry_consumer_release(reader.handle(), frame.sequence, FERRY_RELEASE_SIGNALLED);
      allocated.release += count.allocations();
      ASSERT_EQ(code, FERRY_OK) << ferry_last_error();
    }
    {
      const AllocationCount count;
      const std::int32_t code = ferry_consumer_acquire(reader.handle(), 0, &frame);
      allocated.empty_acquire += count.allocations();
      ASSERT_EQ(code, FERRY_ERROR_WOULD_BLOCK);
    }
  }
  EXPECT_EQ(library_thread_allocations(), 0u) << "sync mode host hands frames over on a thread of the library's";
  EXPECT_EQ(allocated.begin, 0u);
  EXPECT_EQ(allocated.publish, 0u);
  EXPECT_EQ(allocated.acquire, 0u);
  EXPECT_EQ(allocated.release, 0u);
  EXPECT_EQ(allocated.empty_acquire, 0u) << "\"nothing new\" is an ordinary answer";
}

}  // namespace
}  // namespace ferry::test
