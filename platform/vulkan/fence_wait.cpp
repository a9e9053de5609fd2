#include "platform/vulkan/fence_wait.h"

namespace ferry::platform {

VkResult wait_for_fence(const DeviceContext& context, VkFence fence, std::uint64_t timeout_ns) {
  const auto wait = [&] { return context.vkd.WaitForFences(context.handles.device, 1, &fence, VK_TRUE, timeout_ns); };
  const VkResult waited = wait();
  return waited == VK_TIMEOUT || !still_runs(waited) ? waited : wait();
}

}  // namespace ferry::platform
