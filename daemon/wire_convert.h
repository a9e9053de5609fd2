#pragma once
// The wire's types as platform/ has them, and back.

#include <string>

#include "daemon/config.h"
#include "ferry_generated.h"
#include "platform/texture.h"
#include "platform/vulkan/device.h"
#include "proto/result.h"

namespace ferry::daemon {

platform::Uuid from_wire(const wire::Uuid& uuid);
wire::Uuid to_wire(const platform::Uuid& uuid);
wire::DeviceT to_wire(const platform::DeviceCapabilities& device);
wire::ImageT to_wire(const platform::TextureDesc& desc);

/// A peer's description of an image, checked. kInvalidArgument, kLimitExceeded; names @p object.
proto::Result<platform::TextureDesc> check_image(const wire::ImageT* image, const Limits& limits,
                                                 const std::string& object);

}  // namespace ferry::daemon
