#include "platform/vulkan/opaque_fd_importer.h"

#include <fmt/format.h>

#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/shared_image.h"

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

    const SharedMemory shared{VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT, layout.allocation_size_bytes,
                              layout.memory_type_index, layout.dedicated};
    return import_image(context_, fd, std::move(*slot), shared, desc);
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
};

}  // namespace

std::unique_ptr<TextureImporter> make_opaque_fd_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<OpaqueFdImporter>(std::move(context));
}

}  // namespace ferry::platform
