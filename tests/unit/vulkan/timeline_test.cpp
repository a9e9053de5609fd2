#include <vulkan/vulkan.h>

#include <thread>

#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;

constexpr std::int64_t kMillisecond = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;

/// A submission of nothing that waits for one point (unless null) and signals another.
void submit(VulkanDevice& device, const Timeline* wait, std::uint64_t wait_value, const Timeline& signal,
            std::uint64_t signal_value) {
  const VkSemaphore wait_semaphore = wait != nullptr ? wait->semaphore() : VkSemaphore{VK_NULL_HANDLE};
  const VkSemaphore signal_semaphore = signal.semaphore();
  const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
  VkTimelineSemaphoreSubmitInfo values{};
  values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  values.waitSemaphoreValueCount = wait != nullptr ? 1 : 0;
  values.pWaitSemaphoreValues = &wait_value;
  values.signalSemaphoreValueCount = 1;
  values.pSignalSemaphoreValues = &signal_value;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &values;
  info.waitSemaphoreCount = values.waitSemaphoreValueCount;
  info.pWaitSemaphores = &wait_semaphore;
  info.pWaitDstStageMask = &stage;
  info.signalSemaphoreCount = 1;
  info.pSignalSemaphores = &signal_semaphore;
  ASSERT_EQ(vkQueueSubmit(device.queue(), 1, &info, VK_NULL_HANDLE), VK_SUCCESS);
}

std::unique_ptr<Timeline> local_timeline(VulkanDevice& device) {
  auto timeline = device.timeline_importer().create_local();
  EXPECT_TRUE(timeline) << timeline.error().message;
  return timeline ? std::move(*timeline) : nullptr;
}

class LocalTimeline : public ::testing::Test {
 protected:
  void SetUp() override {
    device_ = make_device();
    ASSERT_TRUE(device_);
    timeline_ = local_timeline(*device_);
    ASSERT_TRUE(timeline_);
  }
  void TearDown() override {
    if (device_) {
      EXPECT_EQ(device_->validation_errors(), 0u);
    }
  }

  std::unique_ptr<VulkanDevice> device_;
  std::unique_ptr<Timeline> timeline_;
};

TEST_F(LocalTimeline, CountsWhatTheHostSignals) {
  EXPECT_EQ(timeline_->value().value(), 0u);
  ASSERT_TRUE(timeline_->signal(5));
  EXPECT_EQ(timeline_->value().value(), 5u);
  EXPECT_TRUE(timeline_->wait(5, 0));
}

TEST_F(LocalTimeline, WaitTimesOutByName) {
  const auto waited = timeline_->wait(6, 20 * kMillisecond);
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, ErrorCode::kTimeout);
  EXPECT_NE(waited.error().message.find("value 6"), std::string::npos) << waited.error().message;
  EXPECT_EQ(timeline_->wait(1, 0).error().code, ErrorCode::kTimeout);
}

TEST(LocalTimelineOfTwoThreads, WakesAWaiter) {
  // Without the validation layer: older releases of it stall for 10 s now and then when threads share a timeline.
  const auto device = create_device({});
  ASSERT_TRUE(device) << device.error().message;
  const auto timeline = local_timeline(**device);
  ASSERT_TRUE(timeline);
  std::thread signaller([&timeline] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(timeline->signal(1));
  });
  EXPECT_TRUE(timeline->wait(1, 10 * kSecond));
  signaller.join();
}

TEST_F(LocalTimeline, OrdersWorkOfTheGpu) {
  const auto done = local_timeline(*device_);
  ASSERT_TRUE(done);
  ASSERT_TRUE(timeline_->signal(3));
  submit(*device_, timeline_.get(), 3, *done, 9);
  EXPECT_TRUE(done->wait(9, 10 * kSecond));
  EXPECT_EQ(vkQueueWaitIdle(device_->queue()), VK_SUCCESS);
}

class SharedTimeline : public TwoDevices {
 protected:
  void SetUp() override {
    TwoDevices::SetUp();
    if (HasFatalFailure()) return;
    if (!broker_->capabilities().timeline_fd) GTEST_SKIP() << broker_->capabilities().timeline_fd_reason;
    auto exported = broker_->timeline_exporter()->create();
    ASSERT_TRUE(exported) << exported.error().message;
    exported_ = std::move(*exported);
    auto imported = client_->timeline_importer().import(exported_->fd().duplicate());
    ASSERT_TRUE(imported) << imported.error().message;
    imported_ = std::move(*imported);
  }

  std::unique_ptr<ExportedTimeline> exported_;
  std::unique_ptr<Timeline> imported_;
};

TEST_F(SharedTimeline, CarriesASignalOfTheExportersHost) {
  ASSERT_TRUE(exported_->signal(4));
  EXPECT_TRUE(imported_->wait(4, 5 * kSecond));
  EXPECT_EQ(imported_->value().value(), 4u);
}

TEST_F(SharedTimeline, CarriesASignalOfTheImportersHost) {
  ASSERT_TRUE(imported_->signal(7));
  EXPECT_TRUE(exported_->wait(7, 5 * kSecond));
  EXPECT_EQ(exported_->value().value(), 7u);
}

TEST_F(SharedTimeline, MakesOneGpuWaitForTheOther) {
  const auto done = local_timeline(*client_);
  ASSERT_TRUE(done);
  submit(*client_, imported_.get(), 2, *done, 1);
  EXPECT_EQ(done->wait(1, 50 * kMillisecond).error().code, ErrorCode::kTimeout);
  submit(*broker_, nullptr, 0, *exported_, 2);
  EXPECT_TRUE(done->wait(1, 5 * kSecond));
  EXPECT_EQ(vkQueueWaitIdle(client_->queue()), VK_SUCCESS);
  EXPECT_EQ(vkQueueWaitIdle(broker_->queue()), VK_SUCCESS);
}

TEST_F(SharedTimeline, OutlivesItsExporter) {
  exported_.reset();
  ASSERT_TRUE(imported_->signal(1));
  EXPECT_TRUE(imported_->wait(1, kSecond));
}

TEST_F(SharedTimeline, IsImportedMoreThanOnce) {
  auto second = client_->timeline_importer().import(exported_->fd().duplicate());
  ASSERT_TRUE(second) << second.error().message;
  ASSERT_TRUE(imported_->signal(11));
  EXPECT_TRUE((*second)->wait(11, 5 * kSecond));
}

}  // namespace
}  // namespace ferry::platform::test
