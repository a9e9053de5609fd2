#pragma once
// Textures that cross in host memory: a client's side. Works between any two devices that can copy from and to it.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

std::unique_ptr<TextureImporter> make_host_memory_importer(std::shared_ptr<const DeviceContext> context);

}  // namespace ferry::platform
