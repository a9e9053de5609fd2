#include "platform/vulkan/dma_buf_exporter.h"

#include <fmt/format.h>

#include "platform/vulkan/drm_modifiers.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

/// Where the driver has put the planes.
proto::Result<TextureLayout> layout_of(const DeviceContext& c, VkImage image, const TextureDesc& desc) {
  VkImageDrmFormatModifierPropertiesEXT properties{};
  properties.sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_PROPERTIES_EXT;
  if (const VkResult result =
          c.vkd.GetImageDrmFormatModifierPropertiesEXT(c.handles.device, image, &properties);
      result != VK_SUCCESS)
    return vk_error(result, "vkGetImageDrmFormatModifierPropertiesEXT", describe(desc));
  const FormatModifier* known = find_modifier(c.capabilities.modifiers, desc.format, properties.drmFormatModifier);
  if (known == nullptr)
    return proto::Error{proto::ErrorCode::kUnsupported,
                        fmt::format("device '{}' has chosen modifier {} for {}, which it does not list",
                                    c.capabilities.name, modifier_name(properties.drmFormatModifier), describe(desc))};
  TextureLayout layout;
  layout.transport = Transport::kDmaBuf;
  layout.modifier = properties.drmFormatModifier;
  layout.plane_count = known->plane_count;
  for (std::uint32_t i = 0; i < layout.plane_count; ++i) {
    const VkImageSubresource plane{static_cast<VkImageAspectFlags>(VK_IMAGE_ASPECT_MEMORY_PLANE_0_BIT_EXT) << i, 0, 0};
    VkSubresourceLayout placed{};
    c.vkd.GetImageSubresourceLayout(c.handles.device, image, &plane, &placed);
    layout.planes[i] = {placed.offset, placed.rowPitch};
  }
  return layout;
}

/// Whether the driver has put one plane where another one is. lavapipe 26.1 answers for each as if it were the first.
bool coincide(const TextureLayout& layout) {
  return layout.plane_count == 2 && layout.planes[0].offset_bytes == layout.planes[1].offset_bytes;
}

/// @p layout, LINEAR, with the second plane behind the first one. Both have as many bytes a row.
TextureLayout one_behind_the_other(TextureLayout layout, const TextureDesc& desc, std::uint64_t alignment_bytes) {
  const std::uint64_t luma_bytes = layout.planes[0].row_pitch_bytes * desc.height_px;
  layout.planes[1] = {(luma_bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes,
                      layout.planes[0].row_pitch_bytes};
  return layout;
}

class DmaBufExporter final : public TextureExporter {
 public:
  DmaBufExporter(std::shared_ptr<const DeviceContext> context, std::shared_ptr<SlotClearer> clearer,
                 std::vector<std::uint64_t> modifiers, std::uint32_t owner_queue_family)
      : context_(std::move(context)),
        clearer_(std::move(clearer)),
        modifiers_(std::move(modifiers)),
        owner_queue_family_(owner_queue_family) {}

  Transport transport() const override { return Transport::kDmaBuf; }

  proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> allocate(const TextureDesc& desc,
                                                                        std::uint32_t count) override {
    SlotClearer::Textures textures;
    textures.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      auto texture = create(desc);
      if (!texture) return std::move(texture).error();
      // What is said of one is said of all.
      if (i == 0) modifiers_ = {(*texture)->layout().modifier};
      textures.push_back(std::move(*texture));
    }
    return clearer_->clear(std::move(textures), desc, owner_queue_family_);
  }

 private:
  proto::Result<std::unique_ptr<DeviceTexture>> create(const TextureDesc& desc) {
    auto slot = create_slot_image(*context_, desc, modifiers_);
    if (!slot) return std::move(slot).error();
    auto layout = layout_of(*context_, slot->image.get(), desc);
    if (!layout) return std::move(layout).error();
    if (coincide(*layout)) {
      if (layout->modifier != kModifierLinear)
        return proto::Error{proto::ErrorCode::kUnsupported,
                            fmt::format("device '{}' puts both planes of {} in modifier {} at byte {}",
                                        context_->capabilities.name, describe(desc), modifier_name(layout->modifier),
                                        layout->planes[0].offset_bytes)};
      *layout = one_behind_the_other(*layout, desc, slot->requirements.alignment);
      slot = create_slot_image(*context_, desc, *layout);
      if (!slot) return std::move(slot).error();
    }
    return export_image(context_, std::move(*slot), *layout, VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, desc);
  }

  std::shared_ptr<const DeviceContext> context_;
  std::shared_ptr<SlotClearer> clearer_;
  std::vector<std::uint64_t> modifiers_;
  std::uint32_t owner_queue_family_;
};

}  // namespace

std::unique_ptr<TextureExporter> make_dma_buf_exporter(std::shared_ptr<const DeviceContext> context,
                                                       std::shared_ptr<SlotClearer> clearer,
                                                       std::vector<std::uint64_t> modifiers,
                                                       std::uint32_t owner_queue_family) {
  return std::make_unique<DmaBufExporter>(std::move(context), std::move(clearer), std::move(modifiers), owner_queue_family);
}

}  // namespace ferry::platform
