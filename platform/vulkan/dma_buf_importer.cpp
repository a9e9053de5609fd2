#include "platform/vulkan/dma_buf_importer.h"

#include <fmt/format.h>

#include <bit>

#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/drm_modifiers.h"
#include "platform/vulkan/shared_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

proto::Error violation(std::string message) { return {proto::ErrorCode::kProtocolViolation, std::move(message)}; }

class DmaBufImporter final : public TextureImporter {
 public:
  explicit DmaBufImporter(std::shared_ptr<const DeviceContext> context) : context_(std::move(context)) {}

  proto::Result<std::unique_ptr<ImportedTexture>> import(UniqueFd fd, const TextureDesc& desc,
                                                         const TextureLayout& layout) override {
    const DeviceContext& c = *context_;
    if (!c.capabilities.dma_buf) return proto::Error{proto::ErrorCode::kUnsupported, c.capabilities.dma_buf_reason};
    if (auto checked = check_texture_desc(desc); !checked) return std::move(checked).error();
    if (auto checked = check_modifier(desc, layout); !checked) return std::move(checked).error();
    if (auto checked = check_dma_buf(fd, desc, layout); !checked) return std::move(checked).error();
    auto slot = create_slot_image(c, desc, layout);
    if (!slot) return std::move(slot).error();
    // What the driver will touch, which for layouts of its own nobody else can tell.
    const auto size_bytes = dma_buf_size_bytes(fd);
    if (!size_bytes) return size_bytes.error();
    if (*size_bytes < slot->requirements.size)
      return violation(fmt::format("the dma-buf has {} bytes, a {} slot needs {} on device '{}'", *size_bytes,
                                   describe(desc), slot->requirements.size, c.capabilities.name));
    auto type = memory_type(fd, slot->requirements);
    if (!type) return std::move(type).error();
    const SharedMemory shared{VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, slot->requirements.size, *type, true};
    return import_image(context_, fd, std::move(*slot), shared, desc);
  }

 private:
  proto::Result<void> check_modifier(const TextureDesc& desc, const TextureLayout& layout) const {
    const FormatModifier* known = find_modifier(context_->capabilities.modifiers, desc.format, layout.modifier);
    if (known == nullptr)
      return proto::Error{proto::ErrorCode::kUnsupported,
                          fmt::format("device '{}' imports no {} in modifier {}", context_->capabilities.name,
                                      proto::format_info(desc.format).name, modifier_name(layout.modifier))};
    if (layout.plane_count != known->plane_count)
      return violation(fmt::format("a {} slot in modifier {} has {} planes, not {}", describe(desc),
                                   modifier_name(layout.modifier), known->plane_count, layout.plane_count));
    return {};
  }

  proto::Result<std::uint32_t> memory_type(const UniqueFd& fd, const VkMemoryRequirements& requirements) const {
    const DeviceContext& c = *context_;
    VkMemoryFdPropertiesKHR properties{};
    properties.sType = VK_STRUCTURE_TYPE_MEMORY_FD_PROPERTIES_KHR;
    if (const VkResult result = c.vkd.GetMemoryFdPropertiesKHR(
            c.handles.device, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, fd.get(), &properties);
        result != VK_SUCCESS)
      return vk_error(result, "vkGetMemoryFdPropertiesKHR", c.capabilities.name);
    const std::uint32_t allowed = properties.memoryTypeBits & requirements.memoryTypeBits;
    if (allowed == 0)
      return proto::Error{proto::ErrorCode::kUnsupported,
                          fmt::format("device '{}' can make no image of this dma-buf: its memory types are {:#b}, the "
                                      "image's {:#b}",
                                      c.capabilities.name, properties.memoryTypeBits, requirements.memoryTypeBits)};
    return static_cast<std::uint32_t>(std::countr_zero(allowed));
  }

  std::shared_ptr<const DeviceContext> context_;
};

}  // namespace

std::unique_ptr<TextureImporter> make_dma_buf_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<DmaBufImporter>(std::move(context));
}

}  // namespace ferry::platform
