// Points of a timeline that cross as sync_files. The fences are a test's own (sw_sync): a software driver's have signalled
// by the time that it exports them, so they prove nothing about waiting.

#include "platform/fence_bridge.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <vulkan/vulkan.h>

#include <cstdlib>
#include <thread>

#include "platform/sync_file.h"
#include "proto/usage.h"
#include "tests/support/sw_sync_needed.h"
#include "tests/unit/vulkan/gpu_work.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;

constexpr std::int64_t kMillisecond = 1'000'000, kSecond = 1'000'000'000;

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

class Bridges : public TwoDevices {
 protected:
  void SetUp() override {
    TwoDevices::SetUp();
    if (HasFatalFailure()) return;
    const DeviceCapabilities& capabilities = client_->capabilities();
    if (std::getenv("FERRY_TEST_SYNC_FD") != nullptr) {
      ASSERT_TRUE(capabilities.sync_fd) << capabilities.sync_fd_reason;
    }
    if (!capabilities.sync_fd) GTEST_SKIP() << capabilities.sync_fd_reason;
    bridge_ = bridge(*client_);
    point_ = timeline(*client_);
    ASSERT_TRUE(bridge_ && point_);
  }
  void TearDown() override {
    bridge_.reset();  // waits for what it has submitted
    point_.reset();
    TwoDevices::TearDown();
  }
  static std::unique_ptr<FenceBridge> bridge(VulkanDevice& device) {
    auto made = device.fence_bridge({device.queue(), {}, {}});
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(*made) : nullptr;
  }
  static std::shared_ptr<Timeline> timeline(VulkanDevice& device) {
    auto made = device.timeline_importer().create_local();
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::shared_ptr<Timeline>(std::move(*made)) : nullptr;
  }
  void expect_reached(std::uint64_t value) const {
    const auto waited = point_->wait(value, 10 * kSecond);
    EXPECT_TRUE(waited) << waited.error().message;
  }
  void expect_stays_at(std::uint64_t value) const {
    EXPECT_EQ(point_->wait(value + 1, 50 * kMillisecond).error().code, ErrorCode::kTimeout);
    EXPECT_EQ(*point_->value(), value);
  }

  std::unique_ptr<FenceBridge> bridge_;
  std::shared_ptr<Timeline> point_;
};

TEST_F(Bridges, CarryAPointFromOneDeviceToAnother) {
  const auto there = timeline(*broker_);
  const auto exports = bridge(*broker_);
  for (std::uint64_t value = 1; value <= 3; ++value) {
    submit(*broker_, nullptr, 0, *there, value);
    auto fence = exports->export_point(there, value);
    ASSERT_TRUE(fence) << fence.error().message;
    const auto imported = bridge_->import_point(std::move(*fence), point_, value * 10);
    ASSERT_TRUE(imported) << imported.error().message;
    expect_reached(value * 10);
  }
}

TEST_F(Bridges, TakeNoFenceForOneThatHasSignalled) {
  ASSERT_TRUE(bridge_->import_point(UniqueFd(), point_, 4));
  expect_reached(4);
}

TEST_F(Bridges, RefuseWhatIsNoFence) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd pipe(ends[0]), other_end(ends[1]), memory(::memfd_create("ferry-test", MFD_CLOEXEC)),
      event(::eventfd(0, EFD_CLOEXEC));
  for (const UniqueFd* fd : {&pipe, &memory, &event}) {
    const std::size_t before = open_descriptors();
    const auto refused = bridge_->import_point(fd->duplicate(), point_, 1);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kProtocolViolation);
    EXPECT_NE(refused.error().message.find("not a sync_file"), std::string::npos) << refused.error().message;
    EXPECT_EQ(open_descriptors(), before);
  }
  EXPECT_EQ(*point_->value(), 0u);
}

TEST_F(Bridges, HoldTheQueueWhileTheyUseIt) {
  int depth = 0, uses = 0;
  auto made = client_->fence_bridge({client_->queue(), [&] { EXPECT_EQ(++depth, 1); }, [&] { --depth, ++uses; }});
  ASSERT_TRUE(made) << made.error().message;
  submit(*client_, nullptr, 0, *point_, 1);
  ASSERT_TRUE((*made)->export_point(point_, 1));
  const auto other = timeline(*client_);
  ASSERT_TRUE((*made)->import_point(UniqueFd(), other, 1));
  EXPECT_TRUE(other->wait(1, 10 * kSecond));
  EXPECT_EQ(depth, 0);
  EXPECT_EQ(uses, 2);
  EXPECT_EQ(client_->fence_bridge({VK_NULL_HANDLE, {}, {}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(client_->fence_bridge({client_->queue(), [] {}, {}}).error().code, ErrorCode::kInvalidArgument);
}

class PendingFences : public Bridges {
 protected:
  void SetUp() override {
    Bridges::SetUp();
    if (!HasFatalFailure() && !IsSkipped()) ferry::test::need_sw_sync(fences_);
  }
  ferry::test::SwSync fences_ = ferry::test::SwSync::open();
};

TEST_F(PendingFences, AreWaitedFor) {
  ASSERT_TRUE(bridge_->import_point(fences_.fence_at(1), point_, 7));
  expect_stays_at(0);
  fences_.advance(1);
  expect_reached(7);
}

TEST_F(PendingFences, AreWaitedForByTheGpu) {
  constexpr TextureDesc kDesc{67, 3, proto::Format::kRgba8Unorm, proto::kUsageRender, 0};
  ASSERT_TRUE(bridge_->import_point(fences_.fence_at(1), point_, 1));
  const auto after = timeline(*client_);
  submit(*client_, point_.get(), 1, *after, 1);
  EXPECT_EQ(after->wait(1, 50 * kMillisecond).error().code, ErrorCode::kTimeout);
  // The same slot, drawn meanwhile by another device: what is read once the point is reached is what was drawn before.
  const auto slot = allocate_one(kDesc);
  ASSERT_TRUE(slot);
  const auto here = import(*broker_, *slot, kDesc), there = import(*client_, *slot, kDesc);
  ASSERT_TRUE(here && there);
  std::thread draws([&] {
    write_slot(*broker_, here->image(), kDesc, make_pattern(kDesc, 5));
    fences_.advance(1);
  });
  const auto waited = after->wait(1, 20 * kSecond);
  draws.join();
  ASSERT_TRUE(waited) << waited.error().message;
  EXPECT_TRUE(read_slot(*client_, there->image(), kDesc) == make_pattern(kDesc, 5));
}

TEST_F(PendingFences, SignalTheirPointsInOrder) {
  const ferry::test::SwSync later = ferry::test::SwSync::open();
  ASSERT_TRUE(bridge_->import_point(fences_.fence_at(1), point_, 1));
  ASSERT_TRUE(bridge_->import_point(later.fence_at(1), point_, 2));
  ASSERT_TRUE(bridge_->import_point(UniqueFd(), point_, 3));
  later.advance(1);
  expect_stays_at(0);
  fences_.advance(1);
  expect_reached(3);
}

TEST_F(PendingFences, LeaveNoDescriptorAndNoSemaphoreBehind) {
  const auto cross = [&](std::uint32_t value) {
    ASSERT_TRUE(bridge_->import_point(fences_.fence_at(value), point_, value));
    fences_.advance(1);
    expect_reached(value);
    auto exported = bridge_->export_point(point_, value);
    ASSERT_TRUE(exported) << exported.error().message;
  };
  for (std::uint32_t value = 1; value <= 8; ++value) cross(value);
  const std::size_t before = open_descriptors();
  for (std::uint32_t value = 9; value <= 108; ++value) cross(value);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PendingFences, ThatFailSignalAllTheSame) {
  ASSERT_TRUE(bridge_->import_point(fences_.fence_at(1), point_, 1));
  fences_ = ferry::test::SwSync();  // as when a process dies with its work undone
  expect_reached(1);
}

}  // namespace
}  // namespace ferry::platform::test
