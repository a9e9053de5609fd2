#include "platform/vulkan/shared_image.h"

#include <fmt/format.h>

#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

class SharedImage final : public ImportedTexture {
 public:
  SharedImage(std::shared_ptr<const DeviceContext> context, UniqueMemory memory, UniqueImage image,
                UniqueImageView view, VkFormat format)
      : context_(std::move(context)),
        memory_(std::move(memory)),
        image_(std::move(image)),
        view_(std::move(view)),
        format_(format) {}

  VkImage image() const override { return image_.get(); }
  VkImageView view() const override { return view_.get(); }
  VkFormat vk_format() const override { return format_; }

 private:
  std::shared_ptr<const DeviceContext> context_;
  UniqueMemory memory_;
  UniqueImage image_;
  UniqueImageView view_;
  VkFormat format_;
};

proto::Result<UniqueMemory> import_memory(const DeviceContext& c, const UniqueFd& fd, const SharedMemory& shared, VkImage image) {
  auto copy = driver_copy(fd);
  if (!copy) return std::move(copy).error();

  VkImportMemoryFdInfoKHR imported{};
  imported.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR;
  imported.handleType = shared.handle_type;
  imported.fd = copy->release();
  VkMemoryDedicatedAllocateInfo dedicated{};
  dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
  dedicated.image = image;
  if (shared.dedicated) imported.pNext = &dedicated;
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.pNext = &imported;
  info.allocationSize = shared.size_bytes;
  info.memoryTypeIndex = shared.memory_type_index;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &info, nullptr, &memory); result != VK_SUCCESS) {
    settle_failed_import(imported.fd, c.capabilities.is_software);
    return vk_error(result, "vkAllocateMemory", fmt::format("import of {} bytes", info.allocationSize));
  }
  return UniqueMemory(c, memory);
}

proto::Result<UniqueImageView> create_view(const DeviceContext& c, VkImage image, VkFormat format) {
  VkImageViewCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_IMAGE_VIEW_CREATE_INFO;
  info.image = image;
  info.viewType = VK_IMAGE_VIEW_TYPE_2D;
  info.format = format;
  info.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  VkImageView view = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateImageView(c.handles.device, &info, nullptr, &view); result != VK_SUCCESS)
    return vk_error(result, "vkCreateImageView");
  return UniqueImageView(c, view);
}

}  // namespace

proto::Result<std::unique_ptr<ImportedTexture>> import_image(std::shared_ptr<const DeviceContext> context,
                                                             const UniqueFd& fd, SlotImage slot,
                                                             const SharedMemory& shared, const TextureDesc& desc) {
  const DeviceContext& c = *context;
  auto memory = import_memory(c, fd, shared, slot.image.get());
  if (!memory) return std::move(memory).error();
  if (const VkResult result = c.vkd.BindImageMemory(c.handles.device, slot.image.get(), memory->get(), 0);
      result != VK_SUCCESS)
    return vk_error(result, "vkBindImageMemory", describe(desc));
  const auto& info = proto::format_info(desc.format);
  const auto format = static_cast<VkFormat>(info.vk_format);
  UniqueImageView view;
  if (!info.is_yuv()) {  // a view of all planes needs a conversion, which is the application's to choose
    auto created = create_view(c, slot.image.get(), format);
    if (!created) return std::move(created).error();
    view = std::move(*created);
  }
  return std::unique_ptr<ImportedTexture>(std::make_unique<SharedImage>(
      std::move(context), std::move(*memory), std::move(slot.image), std::move(view), format));
}

}  // namespace ferry::platform
