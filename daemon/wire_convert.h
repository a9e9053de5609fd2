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
platform::FormatModifier from_wire(const wire::FormatModifier& stated);
wire::DeviceT to_wire(const platform::DeviceCapabilities& device);
/// Of a generation's slots, and back. The layout of a peer's is checked by whoever uses it; more planes than there can be
/// count as none.
void describe_layout(const platform::TextureLayout& layout, wire::GenerationT& out);
platform::TextureLayout layout_of(const wire::GenerationT& info);
wire::ImageT to_wire(const platform::TextureDesc& desc);
wire::ConflictT to_wire(const proto::Conflict& conflict);

/// A peer's description of an image, checked. kInvalidArgument, kLimitExceeded; names @p object.
proto::Result<platform::TextureDesc> check_image(const wire::ImageT* image, const Limits& limits,
                                                 const std::string& object);

}  // namespace ferry::daemon
