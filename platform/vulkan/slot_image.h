#pragma once
// The VkImage of a slot. Exporter and importer must create it from the very same parameters, so they do it here.

#include <span>

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// "1920x1080 RGBA8", for messages. @p desc must have been checked.
std::string describe(const TextureDesc& desc);

/// kInvalidArgument for what no device can have, as a format that is none.
proto::Result<void> check_texture_desc(const TextureDesc& desc);

/// Refuses what the device cannot do, before anything is created: kInvalidArgument (or kUnsupported, when the format
/// cannot be shared) names value, limit and device. For memory that crosses as an opaque fd.
proto::Result<void> check_slot_image(const DeviceContext& context, const TextureDesc& desc);

struct SlotImage {
  UniqueImage image;
  VkMemoryRequirements requirements{};
};
/// An image without memory, made for memory that crosses as an opaque fd. Checks @p desc first.
proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc);
/// One for memory that crosses as a dma-buf, in the one of @p modifiers that the driver likes best.
proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc,
                                           std::span<const std::uint64_t> modifiers);
/// One for a dma-buf that lies as @p layout says.
proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc,
                                           const TextureLayout& layout);

}  // namespace ferry::platform
