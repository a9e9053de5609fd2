#pragma once
// A slot's image over memory that came as a descriptor: what importers share.

#include "platform/vulkan/slot_image.h"

namespace ferry::platform {

struct SharedMemory {
  VkExternalMemoryHandleTypeFlagBits handle_type{};
  std::uint64_t size_bytes = 0;
  std::uint32_t memory_type_index = 0;
  bool dedicated = true;
};

/// Imports @p fd, which has been checked, as the memory of @p slot. The driver gets a duplicate.
proto::Result<std::unique_ptr<ImportedTexture>> import_image(std::shared_ptr<const DeviceContext> context,
                                                             const UniqueFd& fd, SlotImage slot,
                                                             const SharedMemory& shared, const TextureDesc& desc);

}  // namespace ferry::platform
