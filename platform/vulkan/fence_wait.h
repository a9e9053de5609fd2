#pragma once
// Until the GPU is done with a submission.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// vkWaitForFences of one. An answer that says nothing of the GPU (out of memory) is asked for once more: until there is
/// a better one, nothing that the submission uses may be destroyed. That is so after every result but VK_SUCCESS and
/// VK_ERROR_DEVICE_LOST (still_runs()).
VkResult wait_for_fence(const DeviceContext& context, VkFence fence, std::uint64_t timeout_ns);

inline bool still_runs(VkResult waited) { return waited != VK_SUCCESS && waited != VK_ERROR_DEVICE_LOST; }

}  // namespace ferry::platform
