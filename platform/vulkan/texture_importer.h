#pragma once
// A client's way to whatever transport its slots cross by.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// Goes by TextureLayout::transport.
std::unique_ptr<TextureImporter> make_texture_importer(std::shared_ptr<const DeviceContext> context);

}  // namespace ferry::platform
