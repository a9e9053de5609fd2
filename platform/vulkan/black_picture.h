#pragma once
// A black picture of a YUV format in a buffer, to fill slots from: vkCmdClearColorImage is not allowed for them.

#include "platform/vulkan/device_context.h"
#include "platform/vulkan/plane_copies.h"

namespace ferry::platform {

class BlackPicture {
 public:
  BlackPicture() = default;
  /// @p desc must have been checked. kOutOfMemory.
  static proto::Result<BlackPicture> create(const DeviceContext& context, const TextureDesc& desc);

  /// Writes the picture: luma 0 and chroma in the middle. Before the first record_copy() of @p commands.
  void record_fill(const DeviceContext& context, VkCommandBuffer commands) const;
  /// Into @p image, which is in VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL.
  void record_copy(const DeviceContext& context, VkCommandBuffer commands, VkImage image) const;

 private:
  UniqueMemory memory_;
  UniqueBuffer buffer_;
  std::uint32_t chroma_word_ = 0;
  PlaneCopies copies_;
};

}  // namespace ferry::platform
