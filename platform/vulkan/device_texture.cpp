#include "platform/vulkan/device_texture.h"

#include <fmt/format.h>

#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

/// Memory for a slot has no use outside the GPU, so device-local types first.
std::uint32_t choose_memory_type(const VkPhysicalDeviceMemoryProperties& memory, std::uint32_t allowed_bits) {
  for (const VkMemoryPropertyFlags wanted :
       {VkMemoryPropertyFlags{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT}, VkMemoryPropertyFlags{0}})
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((allowed_bits >> i & 1u) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  return 0;  // not reached: a driver allows at least one of its types for every image
}

}  // namespace

proto::Result<std::unique_ptr<DeviceTexture>> export_image(std::shared_ptr<const DeviceContext> context,
                                                           SlotImage slot, TextureLayout layout,
                                                           VkExternalMemoryHandleTypeFlagBits handle_type,
                                                           const TextureDesc& desc) {
  const DeviceContext& c = *context;
  layout.allocation_size_bytes = slot.requirements.size;
  layout.memory_type_index = choose_memory_type(c.memory, slot.requirements.memoryTypeBits);
  layout.dedicated = true;

  VkMemoryDedicatedAllocateInfo dedicated{};
  dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
  dedicated.image = slot.image.get();
  VkExportMemoryAllocateInfo exported{};
  exported.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO;
  exported.pNext = &dedicated;
  exported.handleTypes = handle_type;
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.pNext = &exported;
  info.allocationSize = layout.allocation_size_bytes;
  info.memoryTypeIndex = layout.memory_type_index;
  const std::string what =
      fmt::format("{} bytes for {} on device '{}'", info.allocationSize, describe(desc), c.capabilities.name);
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &info, nullptr, &memory); result != VK_SUCCESS)
    return vk_error(result, "vkAllocateMemory", what);
  UniqueMemory owned_memory(c, memory);
  if (const VkResult result = c.vkd.BindImageMemory(c.handles.device, slot.image.get(), memory, 0);
      result != VK_SUCCESS)
    return vk_error(result, "vkBindImageMemory", what);

  VkMemoryGetFdInfoKHR fd_info{};
  fd_info.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR;
  fd_info.memory = memory;
  fd_info.handleType = handle_type;
  int fd = -1;
  if (const VkResult result = c.vkd.GetMemoryFdKHR(c.handles.device, &fd_info, &fd); result != VK_SUCCESS)
    return vk_error(result, "vkGetMemoryFdKHR", what);
  return std::make_unique<DeviceTexture>(std::move(context), std::move(owned_memory), std::move(slot.image), layout,
                                           UniqueFd(fd));
}

}  // namespace ferry::platform
