#include "platform/vulkan/opaque_fd_exporter.h"

namespace ferry::platform {
namespace {

class OpaqueFdExporter final : public TextureExporter {
 public:
  OpaqueFdExporter(std::shared_ptr<const DeviceContext> context, std::shared_ptr<SlotClearer> clearer)
      : context_(std::move(context)), clearer_(std::move(clearer)) {}

  Transport transport() const override { return Transport::kOpaqueFd; }

  proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> allocate(const TextureDesc& desc,
                                                                        std::uint32_t count) override {
    SlotClearer::Textures textures;
    textures.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      auto slot = create_slot_image(*context_, desc);
      if (!slot) return std::move(slot).error();
      TextureLayout layout;
      layout.transport = Transport::kOpaqueFd;
      auto texture = export_image(context_, std::move(*slot), layout, VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT, desc);
      if (!texture) return std::move(texture).error();
      textures.push_back(std::move(*texture));
    }
    return clearer_->clear(std::move(textures), desc, VK_QUEUE_FAMILY_EXTERNAL);
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
  std::shared_ptr<SlotClearer> clearer_;
};

}  // namespace

std::unique_ptr<TextureExporter> make_opaque_fd_exporter(std::shared_ptr<const DeviceContext> context,
                                                         std::shared_ptr<SlotClearer> clearer) {
  return std::make_unique<OpaqueFdExporter>(std::move(context), std::move(clearer));
}

}  // namespace ferry::platform
