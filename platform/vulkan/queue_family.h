#pragma once
// Which queue family a device of Ferry's own works on.

#include <string>

#include "platform/vulkan/dispatch.h"

namespace ferry::platform {

/// One that can draw; failing that one that can compute, which can also clear and copy. @p name: of the device, for the
/// message.
proto::Result<std::uint32_t> choose_queue_family(const InstanceDispatch& vki, VkPhysicalDevice device,
                                                 const std::string& name);
/// How many queues @p family has.
std::uint32_t queues_of(const InstanceDispatch& vki, VkPhysicalDevice device, std::uint32_t family);

}  // namespace ferry::platform
