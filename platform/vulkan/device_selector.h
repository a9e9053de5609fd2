#pragma once
// Which of a machine's devices is meant. Pure: no Vulkan calls.

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "platform/vulkan/device.h"

namespace ferry::platform {

/// Real GPUs first: discrete, integrated, virtual, anything else, CPU. Lower is better.
int device_rank(VkPhysicalDeviceType type);

/// @p selector: empty (the first), a UUID of 32 hex digits (dashes ignored), an index, or a part of the name
/// (whatever the case, the first that has it). A number that is no index is a whole word of the name: "3090".
std::optional<std::size_t> select_device(std::span<const DeviceCapabilities> devices, std::string_view selector);

/// kNotFound with index, name and UUID of every device there is.
proto::Error no_such_device(std::span<const DeviceCapabilities> devices, std::string_view selector);

}  // namespace ferry::platform
