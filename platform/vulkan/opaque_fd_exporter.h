#pragma once
// Textures that cross as opaque fds: the broker's side.

#include "platform/vulkan/slot_clearer.h"

namespace ferry::platform {

/// May be called from any thread, but uses the clearer's queue: nobody else may submit to it meanwhile.
std::unique_ptr<TextureExporter> make_opaque_fd_exporter(std::shared_ptr<const DeviceContext> context,
                                                         std::shared_ptr<SlotClearer> clearer);

}  // namespace ferry::platform
