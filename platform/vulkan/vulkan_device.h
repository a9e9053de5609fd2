#pragma once
// VulkanDevice over a context, whoever owns the VkDevice.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// Completes @p context, whose handles are set: loads the functions, queries the capabilities, and turns off or refuses
/// what the device was not created for. kUnsupported names the function or the feature.
proto::Result<void> complete_context(DeviceContext& context);

/// @p queue: VK_NULL_HANDLE for a wrapped device, which then exports nothing that needs clearing.
/// @p validation_errors: may be null; must live as long as @p context.
std::unique_ptr<VulkanDevice> make_vulkan_device(std::shared_ptr<const DeviceContext> context, VkQueue queue,
                                                 VkQueue spare_queue,
                                                 const std::atomic<std::uint64_t>* validation_errors);

}  // namespace ferry::platform
