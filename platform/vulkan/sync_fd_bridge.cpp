#include "platform/vulkan/sync_fd_bridge.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <vector>

#include "platform/sync_file.h"
#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

using proto::Error;
using proto::ErrorCode;
using proto::Result;

constexpr auto kHandleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;
// Destruction waits so long for crossings that are under way.
constexpr std::uint64_t kLastCrossingsNs = 1'000'000'000;

Result<UniqueSemaphore> create_semaphore(const DeviceContext& c, const void* next) {
  VkSemaphoreCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  info.pNext = next;
  VkSemaphore semaphore = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateSemaphore(c.handles.device, &info, nullptr, &semaphore); result != VK_SUCCESS)
    return vk_error(result, "vkCreateSemaphore");
  return UniqueSemaphore(c, semaphore);
}

class QueueLock {
 public:
  explicit QueueLock(const LentQueue& queue) : queue_(queue) {
    if (queue_.lock) queue_.lock();
  }
  ~QueueLock() {
    if (queue_.unlock) queue_.unlock();
  }
  QueueLock(const QueueLock&) = delete;
  QueueLock& operator=(const QueueLock&) = delete;

 private:
  const LentQueue& queue_;
};

class SyncFdBridge final : public FenceBridge {
 public:
  SyncFdBridge(std::shared_ptr<const DeviceContext> context, LentQueue queue, UniqueSemaphore progress)
      : context_(std::move(context)), queue_(std::move(queue)), progress_(std::move(progress)) {}

  ~SyncFdBridge() override {
    const VkSemaphore semaphore = progress_.get();
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &semaphore;
    info.pValues = &crossings_;
    if (context_->vkd.WaitSemaphores(context_->handles.device, &info, kLastCrossingsNs) == VK_SUCCESS) return;
    // Somebody's fence never signals, and the GPU may use these for ever.
    new auto(std::move(progress_));
    new auto(std::move(under_way_));
    new auto(context_);
  }

  Result<UniqueFd> export_point(std::shared_ptr<const Timeline> timeline, std::uint64_t value) override {
    const std::lock_guard lock(mutex_);
    auto semaphore = take_semaphore();
    if (!semaphore) return std::move(semaphore).error();
    const VkSemaphore binary = semaphore->get();
    const Point wait{timeline->semaphore(), value};
    if (auto submitted = submit(wait, {binary, 0}, std::move(*semaphore), std::move(timeline)); !submitted)
      return std::move(submitted).error();
    VkSemaphoreGetFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR;
    info.semaphore = binary;
    info.handleType = kHandleType;
    int fd = -1;
    if (const VkResult result = context_->vkd.GetSemaphoreFdKHR(context_->handles.device, &info, &fd); result != VK_SUCCESS) {
      under_way_.back().reusable = false;  // it stays signalled
      return vk_error(result, "vkGetSemaphoreFdKHR", "of a sync_file");
    }
    return UniqueFd(fd);
  }

  Result<void> import_point(UniqueFd fd, std::shared_ptr<const Timeline> timeline, std::uint64_t value) override {
    if (fd)
      if (auto state = fence_state(fd); !state) return std::move(state).error();
    const std::lock_guard lock(mutex_);
    // Through the queue, too, when it has signalled already: points before it may still be on their way.
    const Point signal{timeline->semaphore(), value};
    if (!fd) return submit({}, signal, {}, std::move(timeline));
    auto semaphore = take_semaphore();
    if (!semaphore) return std::move(semaphore).error();
    const VkSemaphore binary = semaphore->get();
    UniqueFd copy = fd.duplicate();
    if (!copy) return Error{ErrorCode::kSystem, fmt::format("duplicate of a fence: {}", std::strerror(errno))};
    VkImportSemaphoreFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR;
    info.semaphore = binary;
    info.flags = VK_SEMAPHORE_IMPORT_TEMPORARY_BIT;
    info.handleType = kHandleType;
    info.fd = copy.release();
    if (const VkResult result = context_->vkd.ImportSemaphoreFdKHR(context_->handles.device, &info); result != VK_SUCCESS) {
      settle_failed_import(info.fd, context_->capabilities.is_software);
      return vk_error(result, "vkImportSemaphoreFdKHR", "of a sync_file");
    }
    return submit({binary, 0}, signal, std::move(*semaphore), std::move(timeline));
  }

 private:
  struct Point {
    VkSemaphore semaphore = VK_NULL_HANDLE;
    std::uint64_t value = 0;  ///< ignored of a binary one
  };
  /// A submission that may not have run yet, and the semaphores that it uses.
  struct Crossing {
    std::uint64_t number = 0;
    UniqueSemaphore semaphore;
    std::shared_ptr<const Timeline> timeline;
    bool reusable = true;
  };

  /// Unsignalled, and used by nothing.
  Result<UniqueSemaphore> take_semaphore() {
    std::uint64_t reached = 0;
    if (const VkResult result = context_->vkd.GetSemaphoreCounterValue(context_->handles.device, progress_.get(), &reached);
        result != VK_SUCCESS)
      return vk_error(result, "vkGetSemaphoreCounterValue");
    for (; !under_way_.empty() && under_way_.front().number <= reached; under_way_.pop_front())
      if (under_way_.front().reusable && under_way_.front().semaphore.get() != VK_NULL_HANDLE)
        free_.push_back(std::move(under_way_.front().semaphore));
    if (!free_.empty()) {
      UniqueSemaphore semaphore = std::move(free_.back());
      free_.pop_back();
      return semaphore;
    }
    VkExportSemaphoreCreateInfo exported{};
    exported.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO;
    exported.handleTypes = kHandleType;
    return create_semaphore(*context_, &exported);
  }

  /// Nothing but waits and signals. @p used is free again when they have happened.
  Result<void> submit(const Point& wait, const Point& signal, UniqueSemaphore used,
                      std::shared_ptr<const Timeline> timeline) {
    const std::uint64_t number = crossings_ + 1;
    const VkSemaphore signals[] = {signal.semaphore, progress_.get()};
    const std::uint64_t signal_values[] = {signal.value, number};
    const VkPipelineStageFlags stage = VK_PIPELINE_STAGE_ALL_COMMANDS_BIT;
    VkTimelineSemaphoreSubmitInfo values{};
    values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
    values.waitSemaphoreValueCount = wait.semaphore != VK_NULL_HANDLE ? 1 : 0;
    values.pWaitSemaphoreValues = &wait.value;
    values.signalSemaphoreValueCount = 2;
    values.pSignalSemaphoreValues = signal_values;
    VkSubmitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
    info.pNext = &values;
    info.waitSemaphoreCount = values.waitSemaphoreValueCount;
    info.pWaitSemaphores = &wait.semaphore;
    info.pWaitDstStageMask = &stage;
    info.signalSemaphoreCount = 2;
    info.pSignalSemaphores = signals;
    const QueueLock lock(queue_);
    if (const VkResult result = context_->vkd.QueueSubmit(queue_.queue, 1, &info, VK_NULL_HANDLE); result != VK_SUCCESS)
      return vk_error(result, "vkQueueSubmit", "of a point that crosses");
    crossings_ = number;
    under_way_.push_back({number, std::move(used), std::move(timeline)});
    return {};
  }

  std::shared_ptr<const DeviceContext> context_;
  LentQueue queue_;
  std::mutex mutex_;
  UniqueSemaphore progress_;       // a timeline: how many crossings have happened
  std::uint64_t crossings_ = 0;    // submitted
  std::deque<Crossing> under_way_;
  std::vector<UniqueSemaphore> free_;
};

}  // namespace

Result<std::unique_ptr<FenceBridge>> make_sync_fd_bridge(std::shared_ptr<const DeviceContext> context, LentQueue queue) {
  if (!context->capabilities.sync_fd) return Error{ErrorCode::kUnsupported, context->capabilities.sync_fd_reason};
  if (queue.queue == VK_NULL_HANDLE || static_cast<bool>(queue.lock) != static_cast<bool>(queue.unlock))
    return Error{ErrorCode::kInvalidArgument, "a lent queue is not null, and is locked and unlocked, or neither"};
  VkSemaphoreTypeCreateInfo timeline{};
  timeline.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  timeline.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  auto progress = create_semaphore(*context, &timeline);
  if (!progress) return std::move(progress).error();
  return std::unique_ptr<FenceBridge>(
      std::make_unique<SyncFdBridge>(std::move(context), std::move(queue), std::move(*progress)));
}

}  // namespace ferry::platform
