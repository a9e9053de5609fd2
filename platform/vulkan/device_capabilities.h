#pragma once
// What a physical device can do for Ferry, asked by feature bits: an extension's name alone promises nothing.

#include "platform/vulkan/device.h"
#include "platform/vulkan/dispatch.h"

namespace ferry::platform {

inline constexpr std::uint32_t kMinApiVersion = VK_API_VERSION_1_2;  // timeline semaphores are core

/// Never fails: what the device cannot do stands in the reasons.
DeviceCapabilities query_capabilities(const InstanceDispatch& vki, VkPhysicalDevice physical_device);

std::vector<VkExtensionProperties> device_extensions(const InstanceDispatch& vki, VkPhysicalDevice physical_device);
bool has_extension(const std::vector<VkExtensionProperties>& extensions, const char* name);

/// requirements_of() for somebody who has the functions already.
proto::Result<DeviceRequirements> wanted_extensions(const InstanceDispatch& vki, VkPhysicalDevice physical_device,
                                                    const DeviceCapabilities& capabilities);

}  // namespace ferry::platform
