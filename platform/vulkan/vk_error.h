#pragma once
// Failed Vulkan calls in Ferry's terms.

#include <vulkan/vulkan_core.h>

#include <string>
#include <string_view>

#include "proto/result.h"

namespace ferry::platform {

/// "VK_ERROR_DEVICE_LOST", or the number of a result this table does not know.
std::string vk_result_name(VkResult result);

/// "vkAllocateMemory: VK_ERROR_OUT_OF_DEVICE_MEMORY (slot of 1920x1080 RGBA8 on device 'x')"; @p context may be empty.
proto::Error vk_error(VkResult result, std::string_view call, std::string_view context = {});

}  // namespace ferry::platform
