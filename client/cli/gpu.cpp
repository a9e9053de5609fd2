#include "client/cli/gpu.h"

#include <algorithm>

#include "client/cli/exit_code.h"
#include "client/cli/stop_signal.h"

VULKAN_HPP_DEFAULT_DISPATCH_LOADER_DYNAMIC_STORAGE

namespace ferry::cli {

Gpu open_gpu(const Device& device) {
  const DeviceInfo info = device.info();
  VULKAN_HPP_DEFAULT_DISPATCHER.init(info.instance, info.get_instance_proc_addr, info.device);
  // No lock: one thread submits, publishes and acquires here. Who is refused because the driver cannot is told then.
  if (const std::int32_t lent = ferry_device_lend_queue(device.get(), info.queue, nullptr, nullptr, nullptr);
      lent != FERRY_OK && lent != FERRY_ERROR_UNSUPPORTED && lent != FERRY_ERROR_INVALID_STATE)
    throw CommandError(ExitCode::kFailure, ferry_last_error());
  return {info.physical_device, info.device, info.queue, info.queue_family_index};
}

void wait_for_fence(const Gpu& gpu, vk::Fence fence, std::int64_t deadline_ns) {
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(deadline_ns - monotonic_ns(), 0));
  if (gpu.device.waitForFences(fence, true, left) == vk::Result::eTimeout) {
    throw CommandError(ExitCode::kTimedOut, "the GPU did not finish its work in time");
  }
}

}  // namespace ferry::cli
