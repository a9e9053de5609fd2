#include "platform/vulkan/host_memory_importer.h"

#include <fmt/format.h>

#include <mutex>

#include "platform/vulkan/driver_fd.h"
#include "platform/vulkan/host_memory_texture.h"
#include "platform/vulkan/opaque_fd_exporter.h"
#include "platform/vulkan/opaque_fd_importer.h"
#include "platform/vulkan/slot_image.h"

namespace ferry::platform {
namespace {

proto::Error violation(std::string message) { return {proto::ErrorCode::kProtocolViolation, std::move(message)}; }

proto::Result<void> check_layout(const TextureDesc& desc, const TextureLayout& layout) {
  const auto& format = proto::format_info(desc.format);
  std::uint64_t rows = 0;
  for (std::size_t i = 0; i < format.plane_count; ++i) {
    const std::uint64_t row_bytes = format.row_bytes(i, desc.width_px);
    const std::uint32_t pixel_bytes = format.planes[i].texel_bytes;
    if (layout.row_pitch_bytes < row_bytes || layout.row_pitch_bytes % pixel_bytes != 0)
      return violation(fmt::format("row pitch {} of a {} slot is less than {} bytes or no multiple of {}",
                                   layout.row_pitch_bytes, describe(desc), row_bytes, pixel_bytes));
    rows += format.rows(i, desc.height_px);
  }
  if (layout.allocation_size_bytes < layout.row_pitch_bytes * rows)
    return violation(fmt::format("allocation size {} of a {} slot is less than its {} rows of {} bytes",
                                 layout.allocation_size_bytes, describe(desc), rows, layout.row_pitch_bytes));
  return {};
}

class HostMemoryImporter final : public TextureImporter {
 public:
  explicit HostMemoryImporter(std::shared_ptr<const DeviceContext> context)
      : context_(std::move(context)), application_importer_(make_opaque_fd_importer(context_)) {}

  proto::Result<std::unique_ptr<ImportedTexture>> import(UniqueFd fd, const TextureDesc& desc,
                                                         const TextureLayout& layout) override {
    if (auto checked = check_slot_image(*context_, desc); !checked) return std::move(checked).error();
    if (auto checked = check_host_memory_slot(fd, desc, layout); !checked) return std::move(checked).error();
    auto device = copy_device();
    if (!device) return std::move(device).error();
    const std::uint64_t alignment = (*device)->host_alignment_bytes();
    if (layout.allocation_size_bytes % alignment != 0)
      return proto::Error{proto::ErrorCode::kUnsupported,
                          fmt::format("{} bytes are no multiple of {}, which device '{}' wants of host memory",
                                      layout.allocation_size_bytes, alignment, context_->capabilities.name)};
    auto images = make_images(desc);
    if (!images) return std::move(images).error();
    return make_host_memory_texture(std::move(*device), std::move(*images), fd, desc, layout);
  }

 private:
  /// Made when the first slot is: most applications never need one.
  proto::Result<std::shared_ptr<CopyDevice>> copy_device() {
    const std::lock_guard lock(mutex_);
    if (!copy_device_) {
      auto created = CopyDevice::create(*context_);
      if (!created) return std::move(created).error();
      copy_device_ = std::move(*created);
      copy_importer_ = make_opaque_fd_importer(copy_device_->context());
      copy_exporter_ = make_opaque_fd_exporter(
          copy_device_->context(), std::make_shared<SlotClearer>(copy_device_->context(), copy_device_->queue()));
    }
    return copy_device_;
  }

  proto::Result<SlotImages> make_images(const TextureDesc& desc) {
    auto exported = [&] {
      const std::lock_guard lock(copy_device_->queue_mutex());  // it clears, on the queue that copies use
      return copy_exporter_->allocate(desc, 1);
    }();
    if (!exported) return std::move(exported).error();
    const ExportedTexture& memory = *exported->front();
    SlotImages images;
    auto here = copy_importer_->import(memory.fd().duplicate(), desc, memory.layout());
    if (!here) return std::move(here).error();
    images.copies = std::move(*here);
    auto there = application_importer_->import(memory.fd().duplicate(), desc, memory.layout());
    if (!there) return std::move(there).error();
    images.application = std::move(*there);
    return images;
  }

  std::shared_ptr<const DeviceContext> context_;
  std::unique_ptr<TextureImporter> application_importer_;
  std::mutex mutex_;
  std::shared_ptr<CopyDevice> copy_device_;
  std::unique_ptr<TextureImporter> copy_importer_;
  std::unique_ptr<TextureExporter> copy_exporter_;
};

}  // namespace

proto::Result<void> check_host_memory_slot(const UniqueFd& fd, const TextureDesc& desc, const TextureLayout& layout) {
  if (auto checked = check_layout(desc, layout); !checked) return checked;
  return check_sealed_memory(fd, layout.allocation_size_bytes);
}

std::unique_ptr<TextureImporter> make_host_memory_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<HostMemoryImporter>(std::move(context));
}

}  // namespace ferry::platform
