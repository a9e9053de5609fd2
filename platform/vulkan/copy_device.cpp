#include "platform/vulkan/copy_device.h"

#include <fmt/format.h>

#include "platform/vulkan/fence_wait.h"
#include "platform/vulkan/queue_family.h"
#include "platform/vulkan/vk_error.h"
#include "platform/vulkan/vulkan_device.h"

namespace ferry::platform {
namespace {

// A copy takes milliseconds; a GPU that is this late hangs.
constexpr std::uint64_t kCopyDeadlineNs = 10'000'000'000;

/// The device goes with it; the instance is the application's.
struct CopyContext final : DeviceContext {
  ~CopyContext() override {
    if (vkd.DestroyDevice != nullptr) vkd.DestroyDevice(handles.device, nullptr);
  }
};

proto::Result<VkDevice> create_vk_device(const DeviceContext& application, std::uint32_t queue_family_index) {
  const float priority = 1.0F;
  VkDeviceQueueCreateInfo queue_info{};
  queue_info.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue_info.queueFamilyIndex = queue_family_index;
  queue_info.queueCount = 1;
  queue_info.pQueuePriorities = &priority;
  VkPhysicalDeviceVulkan12Features features{};
  features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  features.timelineSemaphore = VK_TRUE;  // every Vulkan 1.2 device has it
  const char* const extensions[] = {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME,
                                    VK_EXT_EXTERNAL_MEMORY_HOST_EXTENSION_NAME};
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = &features;
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue_info;
  info.enabledExtensionCount = static_cast<std::uint32_t>(std::size(extensions));
  info.ppEnabledExtensionNames = extensions;
  VkDevice device = VK_NULL_HANDLE;
  if (const VkResult result =
          application.vki.CreateDevice(application.handles.physical_device, &info, nullptr, &device);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateDevice",
                    fmt::format("for copies on device '{}'", application.capabilities.name));
  return device;
}

std::uint64_t host_alignment_of(const DeviceContext& context) {
  VkPhysicalDeviceExternalMemoryHostPropertiesEXT host{};
  host.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_MEMORY_HOST_PROPERTIES_EXT;
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  properties.pNext = &host;
  context.vki.GetPhysicalDeviceProperties2(context.handles.physical_device, &properties);
  return host.minImportedHostPointerAlignment;
}

}  // namespace

proto::Result<std::shared_ptr<CopyDevice>> CopyDevice::create(const DeviceContext& application) {
  const DeviceCapabilities& capabilities = application.capabilities;
  if (!capabilities.host_memory)
    return proto::Error{proto::ErrorCode::kUnsupported, capabilities.host_memory_reason};
  auto family = choose_queue_family(application.vki, application.handles.physical_device, capabilities.name);
  if (!family) return std::move(family).error();
  auto device = create_vk_device(application, *family);
  if (!device) return std::move(device).error();

  auto context = std::make_shared<CopyContext>();
  context->handles = application.handles;
  context->handles.device = *device;
  context->handles.queue_family_index = *family;
  context->destroy_device_of(application.vki);
  if (auto completed = complete_context(*context); !completed) return std::move(completed).error();
  std::shared_ptr<CopyDevice> copies(new CopyDevice);
  context->vkd.GetDeviceQueue(*device, *family, 0, &copies->queue_);
  copies->host_alignment_bytes_ = host_alignment_of(*context);
  copies->context_ = std::move(context);
  return copies;
}

proto::Result<void> CopyDevice::run(VkCommandBuffer commands, VkFence fence, bool& still_runs) {
  const DeviceContext& c = *context_;
  // Before, and not after: what fails then would leave a fence that says of the next copy that it is done.
  if (const VkResult result = c.vkd.ResetFences(c.handles.device, 1, &fence); result != VK_SUCCESS)
    return vk_error(result, "vkResetFences", "of a copy");
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  {
    const std::lock_guard lock(queue_mutex_);
    if (const VkResult result = c.vkd.QueueSubmit(queue_, 1, &submit, fence); result != VK_SUCCESS)
      return vk_error(result, "vkQueueSubmit", "of a copy");
  }
  const VkResult waited = wait_for_fence(c, fence, kCopyDeadlineNs);
  still_runs = platform::still_runs(waited);
  if (waited == VK_TIMEOUT)
    return proto::Error{proto::ErrorCode::kDeviceLost,
                        fmt::format("device '{}' has not finished a copy within {} ms", c.capabilities.name,
                                    kCopyDeadlineNs / 1'000'000)};
  if (waited != VK_SUCCESS) return vk_error(waited, "vkWaitForFences", "of a copy");
  return {};
}

}  // namespace ferry::platform
