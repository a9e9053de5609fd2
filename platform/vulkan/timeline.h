#pragma once
// Timeline semaphores: exported, imported, or of one device alone.

#include "platform/vulkan/device_context.h"

namespace ferry::platform {

/// Needs DeviceCapabilities::timeline_fd.
std::unique_ptr<TimelineExporter> make_timeline_exporter(std::shared_ptr<const DeviceContext> context);
/// import() is kUnsupported without DeviceCapabilities::timeline_fd; create_local() works everywhere.
std::unique_ptr<TimelineImporter> make_timeline_importer(std::shared_ptr<const DeviceContext> context);

}  // namespace ferry::platform
