#include "platform/vulkan/black_picture.h"

#include <bit>

#include "platform/vulkan/slot_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

// What vkCmdFillBuffer writes, and wants the buffer to be a multiple of.
constexpr VkDeviceSize kWordBytes = 4;

/// Samples of one byte or of two, the upper bits of which count.
constexpr std::uint32_t chroma_word(const proto::PlaneInfo& chroma) {
  return chroma.texel_bytes == 2 ? 0x80808080u : 0x80008000u;
}

}  // namespace

proto::Result<BlackPicture> BlackPicture::create(const DeviceContext& c, const TextureDesc& desc) {
  const auto& format = proto::format_info(desc.format);
  BlackPicture picture;
  picture.copies_ = plane_copies(desc, 0);
  picture.chroma_word_ = chroma_word(format.planes[1]);

  VkBufferCreateInfo buffer_info{};
  buffer_info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  buffer_info.size = (format.image_bytes(desc.width_px, desc.height_px) + kWordBytes - 1) / kWordBytes * kWordBytes;
  buffer_info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  VkBuffer buffer = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateBuffer(c.handles.device, &buffer_info, nullptr, &buffer);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateBuffer", "of a black picture of " + describe(desc));
  picture.buffer_ = UniqueBuffer(c, buffer);

  VkMemoryRequirements requirements{};
  c.vkd.GetBufferMemoryRequirements(c.handles.device, buffer, &requirements);
  VkMemoryAllocateInfo memory_info{};
  memory_info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  memory_info.allocationSize = requirements.size;
  memory_info.memoryTypeIndex = static_cast<std::uint32_t>(std::countr_zero(requirements.memoryTypeBits));
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &memory_info, nullptr, &memory);
      result != VK_SUCCESS)
    return vk_error(result, "vkAllocateMemory", "of a black picture of " + describe(desc));
  picture.memory_ = UniqueMemory(c, memory);
  if (const VkResult result = c.vkd.BindBufferMemory(c.handles.device, buffer, memory, 0); result != VK_SUCCESS)
    return vk_error(result, "vkBindBufferMemory");
  return picture;
}

void BlackPicture::record_fill(const DeviceContext& c, VkCommandBuffer commands) const {
  const VkDeviceSize luma_bytes = copies_.regions[1].bufferOffset;  // sides are even, so these are whole words
  c.vkd.CmdFillBuffer(commands, buffer_.get(), 0, luma_bytes, 0);
  c.vkd.CmdFillBuffer(commands, buffer_.get(), luma_bytes, VK_WHOLE_SIZE, chroma_word_);
  VkMemoryBarrier filled{};
  filled.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  filled.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  filled.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
  c.vkd.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &filled, 0,
                           nullptr, 0, nullptr);
}

void BlackPicture::record_copy(const DeviceContext& c, VkCommandBuffer commands, VkImage image) const {
  c.vkd.CmdCopyBufferToImage(commands, buffer_.get(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, copies_.count,
                             copies_.regions.data());
}

}  // namespace ferry::platform
