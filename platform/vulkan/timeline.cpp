#include "platform/vulkan/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "platform/clock.h"
#include "platform/growing_nap.h"
#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

proto::Result<UniqueSemaphore> create_semaphore(const DeviceContext& context, const void* next) {
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.pNext = next;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  type.initialValue = 0;
  VkSemaphoreCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO;
  info.pNext = &type;
  VkSemaphore semaphore = VK_NULL_HANDLE;
  if (const VkResult result = context.vkd.CreateSemaphore(context.handles.device, &info, nullptr, &semaphore);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateSemaphore");
  return UniqueSemaphore(context, semaphore);
}

proto::Error wait_error(VkResult result, std::uint64_t value, std::int64_t timeout_ns) {
  return vk_error(result, "vkWaitSemaphores", fmt::format("value {} within {} ns", value, timeout_ns));
}

/// @p Interface: Timeline or ExportedTimeline.
template <class Interface>
class TimelineBase : public Interface {
 public:
  TimelineBase(std::shared_ptr<const DeviceContext> context, UniqueSemaphore semaphore)
      : context_(std::move(context)), semaphore_(std::move(semaphore)) {}

  VkSemaphore semaphore() const override { return semaphore_.get(); }

  proto::Result<std::uint64_t> value() const override {
    std::uint64_t value = 0;
    if (const VkResult result =
            context_->vkd.GetSemaphoreCounterValue(context_->handles.device, semaphore_.get(), &value);
        result != VK_SUCCESS)
      return vk_error(result, "vkGetSemaphoreCounterValue");
    return value;
  }

  proto::Result<void> signal(std::uint64_t value) override {
    VkSemaphoreSignalInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_SIGNAL_INFO;
    info.semaphore = semaphore_.get();
    info.value = value;
    if (const VkResult result = context_->vkd.SignalSemaphore(context_->handles.device, &info); result != VK_SUCCESS)
      return vk_error(result, "vkSignalSemaphore", fmt::format("value {}", value));
    return {};
  }

  proto::Result<void> wait(std::uint64_t value, std::int64_t timeout_ns) const override {
    const VkSemaphore semaphore = semaphore_.get();
    VkSemaphoreWaitInfo info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO;
    info.semaphoreCount = 1;
    info.pSemaphores = &semaphore;
    info.pValues = &value;
    const std::uint64_t timeout = timeout_ns < 0 ? UINT64_MAX : static_cast<std::uint64_t>(timeout_ns);
    if (const VkResult result = context_->vkd.WaitSemaphores(context_->handles.device, &info, timeout);
        result != VK_SUCCESS)
      return wait_error(result, value, timeout_ns);
    return {};
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
  UniqueSemaphore semaphore_;
};

/// Where vkWaitSemaphores would spin: looks at the counter now and then.
class NappingTimeline final : public TimelineBase<Timeline> {
 public:
  using TimelineBase::TimelineBase;

  proto::Result<void> wait(std::uint64_t wanted, std::int64_t timeout_ns) const override {
    const std::int64_t start_ns = now_ns(), deadline_ns = deadline_after(timeout_ns);
    for (;;) {
      auto reached = value();
      if (!reached) return std::move(reached).error();
      if (*reached >= wanted) return {};
      const std::int64_t waited_ns = now_ns() - start_ns;
      std::int64_t nap_ns = growing_nap_ns(waited_ns);
      if (deadline_ns >= 0) {
        const std::int64_t left_ns = deadline_ns - start_ns - waited_ns;
        if (left_ns <= 0) return wait_error(VK_TIMEOUT, wanted, timeout_ns);
        nap_ns = std::min(nap_ns, left_ns);
      }
      std::this_thread::sleep_for(std::chrono::nanoseconds(nap_ns));
    }
  }
};

class OpaqueFdTimeline final : public TimelineBase<ExportedTimeline> {
 public:
  OpaqueFdTimeline(std::shared_ptr<const DeviceContext> context, UniqueSemaphore semaphore, UniqueFd fd)
      : TimelineBase(std::move(context), std::move(semaphore)), fd_(std::move(fd)) {}
  const UniqueFd& fd() const override { return fd_; }

 private:
  UniqueFd fd_;
};

class Exporter final : public TimelineExporter {
 public:
  explicit Exporter(std::shared_ptr<const DeviceContext> context) : context_(std::move(context)) {}

  proto::Result<std::unique_ptr<ExportedTimeline>> create() override {
    VkExportSemaphoreCreateInfo exported{};
    exported.sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO;
    exported.handleTypes = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    auto semaphore = create_semaphore(*context_, &exported);
    if (!semaphore) return std::move(semaphore).error();

    VkSemaphoreGetFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR;
    info.semaphore = semaphore->get();
    info.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    int fd = -1;
    if (const VkResult result = context_->vkd.GetSemaphoreFdKHR(context_->handles.device, &info, &fd);
        result != VK_SUCCESS)
      return vk_error(result, "vkGetSemaphoreFdKHR");
    return std::unique_ptr<ExportedTimeline>(
        std::make_unique<OpaqueFdTimeline>(context_, std::move(*semaphore), UniqueFd(fd)));
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
};

class Importer final : public TimelineImporter {
 public:
  explicit Importer(std::shared_ptr<const DeviceContext> context) : context_(std::move(context)) {}

  proto::Result<std::unique_ptr<Timeline>> import(UniqueFd fd) override {
    const DeviceCapabilities& capabilities = context_->capabilities;
    if (!capabilities.timeline_fd) return proto::Error{proto::ErrorCode::kUnsupported, capabilities.timeline_fd_reason};
    if (auto checked = check_driver_fd(fd, 0, capabilities.is_software); !checked) return std::move(checked).error();
    auto semaphore = create_semaphore(*context_, nullptr);
    if (!semaphore) return std::move(semaphore).error();
    auto copy = driver_copy(fd);
    if (!copy) return std::move(copy).error();

    VkImportSemaphoreFdInfoKHR info{};
    info.sType = VK_STRUCTURE_TYPE_IMPORT_SEMAPHORE_FD_INFO_KHR;
    info.semaphore = semaphore->get();
    info.handleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
    info.fd = copy->release();
    if (const VkResult result = context_->vkd.ImportSemaphoreFdKHR(context_->handles.device, &info);
        result != VK_SUCCESS) {
      settle_failed_import(info.fd, capabilities.is_software);
      return vk_error(result, "vkImportSemaphoreFdKHR");
    }
    if (capabilities.imported_waits_spin)
      return std::unique_ptr<Timeline>(std::make_unique<NappingTimeline>(context_, std::move(*semaphore)));
    return wrap(std::move(*semaphore));
  }

  proto::Result<std::unique_ptr<Timeline>> create_local() override {
    auto semaphore = create_semaphore(*context_, nullptr);
    if (!semaphore) return std::move(semaphore).error();
    return wrap(std::move(*semaphore));
  }

 private:
  std::unique_ptr<Timeline> wrap(UniqueSemaphore semaphore) const {
    return std::make_unique<TimelineBase<Timeline>>(context_, std::move(semaphore));
  }

  std::shared_ptr<const DeviceContext> context_;
};

}  // namespace

std::unique_ptr<TimelineExporter> make_timeline_exporter(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<Exporter>(std::move(context));
}

std::unique_ptr<TimelineImporter> make_timeline_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<Importer>(std::move(context));
}

}  // namespace ferry::platform
