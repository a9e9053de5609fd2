#pragma once
// Textures that cross as dma-bufs: the broker's side.

#include "platform/vulkan/slot_clearer.h"

namespace ferry::platform {

/// As make_opaque_fd_exporter(). @p modifiers: what all importers can do; the driver chooses among them.
/// @p owner_queue_family: as VulkanDevice::dma_buf_exporter() has it.
std::unique_ptr<TextureExporter> make_dma_buf_exporter(std::shared_ptr<const DeviceContext> context,
                                                       std::shared_ptr<SlotClearer> clearer,
                                                       std::vector<std::uint64_t> modifiers,
                                                       std::uint32_t owner_queue_family);

}  // namespace ferry::platform
