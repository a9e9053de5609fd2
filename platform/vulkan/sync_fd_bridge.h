#pragma once
// A FenceBridge over binary semaphores that are exported and imported as sync_files.

#include <memory>

#include "platform/fence_bridge.h"
#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// Needs DeviceCapabilities::sync_fd.
proto::Result<std::unique_ptr<FenceBridge>> make_sync_fd_bridge(std::shared_ptr<const DeviceContext> context, LentQueue queue);

}  // namespace ferry::platform
