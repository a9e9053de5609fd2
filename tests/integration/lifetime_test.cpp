// Objects that end while somebody still uses them: another thread's call, or the GPU.

#include <atomic>
#include <future>
#include <limits>

#include "ferry/ferry_vulkan.h"
#include "tests/integration/stream_test.h"
#include "tests/support/check.h"
#include "tests/support/picture_consumer.h"
#include "tests/support/picture_producer.h"

namespace ferry::test {
namespace {

using Lifetime = StreamTest;

/// Holds submitted work back until it is opened: a timeline semaphore of the application's.
class Gate {
 public:
  explicit Gate(const ferry_device_info& info) : device_(info.device) {
    const auto get = reinterpret_cast<PFN_vkGetDeviceProcAddr>(info.get_instance_proc_addr(info.instance, "vkGetDeviceProcAddr"));
    const auto create = reinterpret_cast<PFN_vkCreateSemaphore>(get(device_, "vkCreateSemaphore"));
    signal_ = reinterpret_cast<PFN_vkSignalSemaphore>(get(device_, "vkSignalSemaphore"));
    destroy_ = reinterpret_cast<PFN_vkDestroySemaphore>(get(device_, "vkDestroySemaphore"));
    VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO, nullptr, VK_SEMAPHORE_TYPE_TIMELINE, 0};
    VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type, 0};
    check_vk(create(device_, &semaphore, nullptr, &semaphore_), "vkCreateSemaphore");
  }
  ~Gate() { destroy_(device_, semaphore_, nullptr); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  VkSemaphore semaphore() const { return semaphore_; }
  void open() {
    VkSemaphoreSignalInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO, nullptr, semaphore_, 1};
    check_vk(signal_(device_, &info), "vkSignalSemaphore");
  }

 private:
  VkDevice device_;
  VkSemaphore semaphore_ = VK_NULL_HANDLE;
  PFN_vkSignalSemaphore signal_ = nullptr;
  PFN_vkDestroySemaphore destroy_ = nullptr;
};

/// Work that uses @p image and is stuck behind @p gate.
void submit_behind(const Gate& gate, const Gpu& gpu, GpuCommands& commands, VkImage image, VkSemaphore wait,
                   std::uint64_t wait_value, VkSemaphore signal, std::uint64_t signal_value) {
  const VkCommandBuffer buffer = commands.begin();
  VkImageMemoryBarrier take = ferry_acquire_barrier(image, gpu.queue_family_index(), VK_IMAGE_LAYOUT_GENERAL,
                                                    VK_ACCESS_TRANSFER_READ_BIT);
  gpu.CmdPipelineBarrier(buffer, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0, nullptr, 1,
                         &take);
  const VkSemaphore semaphores[] = {gate.semaphore(), wait};
  const std::uint64_t values[] = {1, wait_value};
  const std::size_t count = wait == VK_NULL_HANDLE ? 1 : 2;
  commands.submit({{semaphores, count}, {values, count}, VK_PIPELINE_STAGE_TRANSFER_BIT, signal, signal_value});
}

TEST_F(Lifetime, ADestroyedConsumersImagesOutliveTheWorkThatReadsThem) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  {
    Session viewer({.socket = broker_.socket()});
    Gate gate(viewer.device_info());
    GpuCommands commands(viewer.gpu());
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "cam";
    ferry_consumer* consumer = nullptr;
    check(ferry_consumer_attach(viewer.connection(), viewer.device(), &info, &consumer), "ferry_consumer_attach");
    ferry_frame frame{};
    frame.struct_size = sizeof frame;
    check(ferry_consumer_acquire(consumer, 10'000'000'000, &frame), "ferry_consumer_acquire");
    submit_behind(gate, viewer.gpu(), commands, frame.image, frame.wait_semaphore, frame.wait_value, frame.signal_semaphore,
                  frame.signal_value);
    EXPECT_EQ(ferry_consumer_destroy(consumer), FERRY_OK) << ferry_last_error();
    EXPECT_EQ(viewer.validation_errors(), 0u) << "something that the GPU uses was destroyed";
    gate.open();
    commands.wait();
    viewer.gpu().DeviceWaitIdle(viewer.gpu().device());
    EXPECT_EQ(viewer.validation_errors(), 0u);
  }
  stop_and_check(producer);
}

TEST_F(Lifetime, ADestroyedProducersImagesOutliveTheWorkThatDrawsIntoThem) {
  Session renderer({.socket = broker_.socket()});
  Gate gate(renderer.device_info());
  GpuCommands commands(renderer.gpu());
  ferry_stream_info info = FERRY_STREAM_INFO_INIT;
  info.name = "mine";
  info.image = image_desc({64, 64, FERRY_FORMAT_RGBA8_UNORM});
  ferry_producer* producer = nullptr;
  check(ferry_producer_create(renderer.connection(), renderer.device(), &info, &producer), "ferry_producer_create");
  ferry_target target{};
  target.struct_size = sizeof target;
  check(ferry_producer_begin(producer, 0, &target), "ferry_producer_begin");
  submit_behind(gate, renderer.gpu(), commands, target.image, VK_NULL_HANDLE, 0, target.signal_semaphore, target.signal_value);
  EXPECT_EQ(ferry_producer_destroy(producer), FERRY_OK) << ferry_last_error();
  EXPECT_EQ(renderer.validation_errors(), 0u) << "something that the GPU uses was destroyed";
  gate.open();
  commands.wait();
  renderer.gpu().DeviceWaitIdle(renderer.gpu().device());
  EXPECT_EQ(renderer.validation_errors(), 0u);
}

TEST_F(Lifetime, AHeldFrameThatNobodyEverReadDelaysNothing) {
  auto producer = start_producer({"--name", "cam", "--size", "320x180:RGBA8"});
  Session viewer({.socket = broker_.socket()});
  ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
  info.name = "cam";
  for (int round = 0; round < 3; ++round) {
    ferry_consumer* consumer = nullptr;
    check(ferry_consumer_attach(viewer.connection(), viewer.device(), &info, &consumer), "ferry_consumer_attach");
    ferry_frame frame{};
    frame.struct_size = sizeof frame;
    check(ferry_consumer_acquire(consumer, 10'000'000'000, &frame), "ferry_consumer_acquire");
    EXPECT_EQ(ferry_consumer_destroy(consumer), FERRY_OK) << ferry_last_error();
  }
  stop_and_check(producer);
}

TEST_F(Lifetime, WhatAWaitingCallUsesIsNotDestroyedUnderIt) {
  Session viewer({.socket = broker_.socket()});
  std::atomic<bool> asked{false};
  auto waiting = std::async(std::launch::async, [&] {
    ferry_attach_info info = FERRY_ATTACH_INFO_INIT;
    info.name = "later";
    info.timeout_ns = std::numeric_limits<std::int64_t>::max() - 1;  // finite, and yet for ever
    ferry_consumer* consumer = nullptr;
    asked = true;
    const std::int32_t code = ferry_consumer_attach(viewer.connection(), viewer.device(), &info, &consumer);
    if (code == FERRY_OK) (void)ferry_consumer_destroy(consumer);
    return code;
  });
  while (!asked) std::this_thread::yield();
  EXPECT_EQ(waiting.wait_for(300ms), std::future_status::timeout) << "nobody produces that stream yet";
  EXPECT_EQ(ferry_disconnect(viewer.connection()), FERRY_ERROR_INVALID_STATE);
  EXPECT_NE(std::string(ferry_last_error()).find("1 producers, consumers or running calls"), std::string::npos)
      << ferry_last_error();
  EXPECT_EQ(ferry_device_destroy(viewer.device()), FERRY_ERROR_INVALID_STATE);

  auto producer = start_producer({"--name", "later", "--size", "320x180:RGBA8"});
  ASSERT_EQ(waiting.wait_for(20s), std::future_status::ready);
  EXPECT_EQ(waiting.get(), FERRY_OK) << "the attach went on as if nothing had been";
  stop_and_check(producer);
}

}  // namespace
}  // namespace ferry::test
