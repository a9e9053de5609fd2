#pragma once
// GPU objects of an earlier broker, as clients hand them back: looked at to see that they are what they are said to be,
// and kept as the descriptors that others will be given.

#include <memory>

#include "platform/vulkan/device.h"
#include "proto/result.h"

namespace ferry::daemon {

/// Both take @p fd in every case. kProtocolViolation when it is not what it should be.
/// @p device: may be null where the transport needs none.
proto::Result<std::unique_ptr<platform::ExportedTexture>> take_handed_back_texture(
    platform::UniqueFd fd, const platform::TextureDesc& desc, const platform::TextureLayout& layout,
    platform::VulkanDevice* device);
proto::Result<std::unique_ptr<platform::ExportedTimeline>> import_handed_back_timeline(platform::UniqueFd fd,
                                                                                       platform::VulkanDevice& device);

}  // namespace ferry::daemon
