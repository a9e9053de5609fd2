#pragma once
// Textures that cross as dma-bufs: a client's side.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

std::unique_ptr<TextureImporter> make_dma_buf_importer(std::shared_ptr<const DeviceContext> context);

}  // namespace ferry::platform
