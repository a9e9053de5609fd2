#include "platform/vulkan/vulkan_device.h"

#include <fmt/format.h>

#include <utility>

#include "platform/vulkan/device_capabilities.h"
#include "platform/vulkan/dma_buf_exporter.h"
#include "platform/vulkan/opaque_fd_exporter.h"
#include "platform/vulkan/sync_fd_bridge.h"
#include "platform/vulkan/texture_importer.h"
#include "platform/vulkan/timeline.h"

namespace ferry::platform {
namespace {

class ContextDevice final : public VulkanDevice {
 public:
  ContextDevice(std::shared_ptr<const DeviceContext> context, VkQueue queue, VkQueue spare_queue,
                const std::atomic<std::uint64_t>* validation_errors)
      : context_(std::move(context)),
        queue_(queue),
        spare_queue_(spare_queue),
        validation_errors_(validation_errors),
        texture_importer_(make_texture_importer(context_)),
        timeline_importer_(make_timeline_importer(context_)) {
    if (queue_ != VK_NULL_HANDLE) {
      clearer_ = std::make_shared<SlotClearer>(context_, queue_);
      texture_exporter_ = make_opaque_fd_exporter(context_, clearer_);
    }
    if (context_->capabilities.timeline_fd) timeline_exporter_ = make_timeline_exporter(context_);
  }

  const VulkanHandles& handles() const override { return context_->handles; }
  VkQueue queue() const override { return queue_; }
  VkQueue spare_queue() const override { return spare_queue_; }
  const DeviceCapabilities& capabilities() const override { return context_->capabilities; }
  TextureImporter& texture_importer() override { return *texture_importer_; }
  TimelineImporter& timeline_importer() override { return *timeline_importer_; }
  TextureExporter* texture_exporter() override { return texture_exporter_.get(); }
  std::unique_ptr<TextureExporter> dma_buf_exporter(std::vector<std::uint64_t> modifiers,
                                                    std::uint32_t owner_queue_family) override {
    if (!clearer_ || !context_->capabilities.dma_buf) return nullptr;
    return make_dma_buf_exporter(context_, clearer_, std::move(modifiers), owner_queue_family);
  }
  TimelineExporter* timeline_exporter() override { return timeline_exporter_.get(); }
  proto::Result<std::unique_ptr<FenceBridge>> fence_bridge(LentQueue queue) override {
    return make_sync_fd_bridge(context_, std::move(queue));
  }
  std::uint64_t validation_errors() const override {
    return validation_errors_ != nullptr ? validation_errors_->load(std::memory_order_relaxed) : 0;
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
  VkQueue queue_, spare_queue_;
  const std::atomic<std::uint64_t>* validation_errors_;
  std::unique_ptr<TextureImporter> texture_importer_;
  std::unique_ptr<TimelineImporter> timeline_importer_;
  std::shared_ptr<SlotClearer> clearer_;
  std::unique_ptr<TextureExporter> texture_exporter_;
  std::unique_ptr<TimelineExporter> timeline_exporter_;
};

proto::Error unsupported(std::string message) { return {proto::ErrorCode::kUnsupported, std::move(message)}; }

proto::Result<void> check_handles(const VulkanHandles& handles) {
  const std::pair<const char*, bool> required[] = {
      {"instance", handles.instance != VK_NULL_HANDLE},
      {"physical_device", handles.physical_device != VK_NULL_HANDLE},
      {"device", handles.device != VK_NULL_HANDLE},
      {"get_instance_proc_addr", handles.get_instance_proc_addr != nullptr},
  };
  for (const auto& [name, is_set] : required)
    if (!is_set) return proto::Error{proto::ErrorCode::kInvalidArgument, fmt::format("{} must not be null", name)};
  return {};
}

proto::Result<void> check_queue_family(const DeviceContext& context) {
  std::uint32_t count = 0;
  context.vki.GetPhysicalDeviceQueueFamilyProperties(context.handles.physical_device, &count, nullptr);
  if (context.handles.queue_family_index < count) return {};
  return proto::Error{proto::ErrorCode::kInvalidArgument,
                      fmt::format("queue family {} does not exist: device '{}' has {}",
                                  context.handles.queue_family_index, context.capabilities.name, count)};
}

}  // namespace

proto::Result<void> complete_context(DeviceContext& context) {
  const VulkanHandles& handles = context.handles;
  auto vki = load_instance_dispatch(handles.instance, handles.get_instance_proc_addr);
  if (!vki) return std::move(vki).error();
  context.vki = *vki;
  DeviceCapabilities& capabilities = context.capabilities;
  capabilities = query_capabilities(context.vki, handles.physical_device);
  if (!capabilities.opaque_fd)
    return unsupported(
        fmt::format("no transport works on device '{}': {}", capabilities.name, capabilities.opaque_fd_reason));
  if (auto checked = check_queue_family(context); !checked) return checked;
  context.vki.GetPhysicalDeviceMemoryProperties(handles.physical_device, &context.memory);

  auto vkd = load_device_dispatch(context.vki, handles.device);
  if (!vkd) return std::move(vkd).error();
  context.vkd = *vkd;
  if (context.vkd.GetMemoryFdKHR == nullptr)
    return unsupported(fmt::format("vkGetMemoryFdKHR is not available: the VkDevice on '{}' was created without {}",
                                   capabilities.name, VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME));
  if (context.vkd.GetSemaphoreFdKHR == nullptr || context.vkd.ImportSemaphoreFdKHR == nullptr) {
    const std::string reason = fmt::format("the VkDevice on '{}' was created without {}", capabilities.name,
                                           VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME);
    if (std::exchange(capabilities.timeline_fd, false)) capabilities.timeline_fd_reason = reason;
    if (std::exchange(capabilities.sync_fd, false)) capabilities.sync_fd_reason = reason;
  }
  if (capabilities.dma_buf && (context.vkd.GetImageDrmFormatModifierPropertiesEXT == nullptr ||
                               context.vkd.GetMemoryFdPropertiesKHR == nullptr)) {
    capabilities.dma_buf = false;
    capabilities.modifiers.clear();
    capabilities.dma_buf_reason = fmt::format("the VkDevice on '{}' was created without {}", capabilities.name,
                                              VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME);
  }
  return {};
}

std::unique_ptr<VulkanDevice> make_vulkan_device(std::shared_ptr<const DeviceContext> context, VkQueue queue,
                                                 VkQueue spare_queue,
                                                 const std::atomic<std::uint64_t>* validation_errors) {
  return std::make_unique<ContextDevice>(std::move(context), queue, spare_queue, validation_errors);
}

proto::Result<std::unique_ptr<VulkanDevice>> wrap_device(const VulkanHandles& handles) {
  if (auto checked = check_handles(handles); !checked) return std::move(checked).error();
  auto context = std::make_shared<DeviceContext>();
  context->handles = handles;
  if (auto completed = complete_context(*context); !completed) return std::move(completed).error();
  return make_vulkan_device(std::move(context), VK_NULL_HANDLE, VK_NULL_HANDLE, nullptr);
}

}  // namespace ferry::platform
