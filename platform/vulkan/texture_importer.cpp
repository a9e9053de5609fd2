#include "platform/vulkan/texture_importer.h"

#include <fmt/format.h>

#include "platform/vulkan/dma_buf_importer.h"
#include "platform/vulkan/host_memory_importer.h"
#include "platform/vulkan/opaque_fd_importer.h"

namespace ferry::platform {
namespace {

class AnyImporter final : public TextureImporter {
 public:
  explicit AnyImporter(std::shared_ptr<const DeviceContext> context)
      : context_(std::move(context)),
        opaque_fd_(make_opaque_fd_importer(context_)),
        dma_buf_(make_dma_buf_importer(context_)),
        host_memory_(make_host_memory_importer(context_)) {}

  proto::Result<std::unique_ptr<ImportedTexture>> import(UniqueFd fd, const TextureDesc& desc,
                                                         const TextureLayout& layout) override {
    switch (layout.transport) {
      case Transport::kOpaqueFd:
        return opaque_fd_->import(std::move(fd), desc, layout);
      case Transport::kHostMemory:
        return host_memory_->import(std::move(fd), desc, layout);
      case Transport::kDmaBuf:
        return dma_buf_->import(std::move(fd), desc, layout);
      case Transport::kNone:
        break;
    }
    return proto::Error{proto::ErrorCode::kUnsupported,
                        fmt::format("transport {} cannot be imported on device '{}'", transport_name(layout.transport),
                                    context_->capabilities.name)};
  }

 private:
  std::shared_ptr<const DeviceContext> context_;
  std::unique_ptr<TextureImporter> opaque_fd_, dma_buf_, host_memory_;
};

}  // namespace

std::unique_ptr<TextureImporter> make_texture_importer(std::shared_ptr<const DeviceContext> context) {
  return std::make_unique<AnyImporter>(std::move(context));
}

}  // namespace ferry::platform
