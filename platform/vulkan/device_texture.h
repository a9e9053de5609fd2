#pragma once
// A texture in a device's own memory, of which a descriptor leaves the process: what exporters allocate.

#include "platform/vulkan/slot_image.h"

namespace ferry::platform {

/// A texture with memory of the device's.
class DeviceTexture final : public ExportedTexture {
 public:
  DeviceTexture(std::shared_ptr<const DeviceContext> context, UniqueMemory memory, UniqueImage image,
                const TextureLayout& layout, UniqueFd fd)
      : context_(std::move(context)),
        memory_(std::move(memory)),
        image_(std::move(image)),
        layout_(layout),
        fd_(std::move(fd)) {}

  const TextureLayout& layout() const override { return layout_; }
  const UniqueFd& fd() const override { return fd_; }
  VkImage image() const { return image_.get(); }

 private:
  std::shared_ptr<const DeviceContext> context_;
  UniqueMemory memory_;
  UniqueImage image_;
  TextureLayout layout_;
  UniqueFd fd_;
};

/// Gives @p image memory of its own, which leaves the process as @p handle_type. @p layout: size and memory type are
/// filled in.
proto::Result<std::unique_ptr<DeviceTexture>> export_image(std::shared_ptr<const DeviceContext> context,
                                                           SlotImage slot, TextureLayout layout,
                                                           VkExternalMemoryHandleTypeFlagBits handle_type,
                                                           const TextureDesc& desc);

}  // namespace ferry::platform
