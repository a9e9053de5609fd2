#include "platform/vulkan/opaque_fd_importer.h"

#include <fmt/format.h>

#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/slot_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

// The exporter's image has the same parameters and driver, so its memory has the size this image asks for, rounded up
// at most to the largest page that drivers allocate by.
constexpr std::uint64_t kMaxRoundingBytes = 2u << 20;

proto::Error violation(std::string message) { return {proto::ErrorCode::kProtocolViolation, std::move(message)}; }

proto::Result<void> check_layout(const DeviceContext& context, const TextureDesc& desc, const TextureLayout& layout,
                                 const VkMemoryRequirements& requirements) {
  const std::uint64_t size_bytes = layout.allocation_size_bytes;
  if (size_bytes < requirements.size || size_bytes > requirements.size + kMaxRoundingBytes)
    return violation(fmt::format("allocation size {} of a {} slot is not between {} and {} bytes on device '{}'",
                                 size_bytes, describe(desc), requirements.size, requirements.size + kMaxRoundingBytes,
                                 context.capabilities.name));
  const std::uint32_t index = layout.memory_type_index;
  if (index >= context.memory.memoryTypeCount || (requirements.memoryTypeBits >> index & 1u) == 0)
    return violation(fmt::format("memory type {} is not for a {} slot on device '{}' (its {} types allow {:#b})", index,
                                 describe(desc), context.capabilities.name, context.memory.memoryTypeCount,
                                 requirements.memoryTypeBits));
  return {};
}

class OpaqueFdImage final : public ImportedTexture {
 public:
  OpaqueFdImage(std::shared_ptr<const DeviceContext> context, UniqueMemory memory, UniqueImage image,
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

class OpaqueFdImporter final : public TextureImporter {
 public:
  explicit OpaqueFdImporter(std::shared_ptr<const DeviceContext> context) : context_(std::move(context)) {}

  proto::Result<std::unique_ptr<ImportedTexture>> import(UniqueFd fd, const TextureDesc& desc,
                                                         const TextureLayout& layout) override {
    const DeviceContext& c = *context_;
    auto slot = create_slot_image(c, desc);
    if (!slot) return std::move(slot).error();
    if (auto checked = check_layout(c, desc, layout, slot->requirements); !checked) return std::move(checked).error();
    if (auto checked = check_driver_fd(fd, layout.allocation_size_bytes, c.capabilities.is_software); !checked)
      return std::move(checked).error();

    auto memory = import_memory(fd, layout, slot->image.get());
    if (!memory) return std::move(memory).error();
    if (const VkResult result = c.vkd.BindImageMemory(c.handles.device, slot->image.get(), memory->get(), 0);
        result != VK_SUCCESS)
      return vk_error(result, "vkBindImageMemory", describe(desc));

    const auto format = static_cast<VkFormat>(proto::format_info(desc.format).vk_format);
    auto view = create_view(slot->image.get(), format);
    if (!view) return std::move(view).error();
    return std::unique_ptr<ImportedTexture>(std::make_unique<OpaqueFdImage>(
        context_, std::move(*memory), std::move(slot->image), std::move(*view), format));
  }

 private:
  proto::Result<UniqueMemory> import_memory(const UniqueFd& fd, const TextureLayout& layout, VkImage image) const {
    const DeviceContext& c = *context_;
    auto copy = driver_copy(fd);
    if (!copy) return std::move(copy).error();

    VkImportMemoryFdInfoKHR imported{};
    imported.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR;
    imported.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
    imported.fd = copy->release();
    VkMemoryDedicatedAllocateInfo dedicated{};
    dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
    dedicated.image = image;
    if (layout.dedicated) imported.pNext = &dedicated;
    VkMemoryAllocateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    info.pNext = &imported;
    info.allocationSize = layout.allocation_size_bytes;
    info.memoryTypeIndex = layout.memory_type_index;
    VkDeviceMemory memory = VK_NULL_HANDLE;
    if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &info, nullptr, &memory); result != VK_SUCCESS) {
      settle_failed_import(imported.fd, c.capabilities.is_software);
      return vk_error(result, "vkAllocateMemory", fmt::format("import of {} bytes", info.allocationSize));
    }
    return UniqueMemory(c, memory);
  }

  proto::Result<UniqueImageView> create_view(VkImage image, VkFormat format) const {
    const DeviceContext& c = *context_;
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

  std::shared_ptr<const DeviceContext> context_;
};

}  // namespace

std::unique_ptr<TextureImporter> make_opaque_fd_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<OpaqueFdImporter>(std::move(context));
}

}  // namespace ferry::platform
