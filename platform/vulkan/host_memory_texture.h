#pragma once
// A slot of transport host-memory as a client has it: an image for the application, and the GPU copies between it and
// the shared memory.

#include "platform/vulkan/copy_device.h"

namespace ferry::platform {

/// The slot's memory in this process's address space.
class HostMapping {
 public:
  /// @p size_bytes of @p fd, at an address that is a multiple of @p alignment_bytes.
  static proto::Result<HostMapping> map(const UniqueFd& fd, std::uint64_t size_bytes, std::uint64_t alignment_bytes);
  HostMapping() = default;
  HostMapping(HostMapping&& other) noexcept { swap(other); }
  HostMapping& operator=(HostMapping&& other) noexcept {
    swap(other);
    return *this;
  }
  ~HostMapping();

  void* address() const { return address_; }

 private:
  void swap(HostMapping& other) noexcept {
    std::swap(reserved_, other.reserved_);
    std::swap(reserved_bytes_, other.reserved_bytes_);
    std::swap(address_, other.address_);
  }
  void* reserved_ = nullptr;  ///< what munmap() gets: more than the slot, where the driver wants bigger steps than pages
  std::uint64_t reserved_bytes_ = 0;
  void* address_ = nullptr;
};

/// What both images of a slot are: one memory, exported on the copy device.
struct SlotImages {
  std::unique_ptr<ImportedTexture> application;  ///< on the application's device
  std::unique_ptr<ImportedTexture> copies;       ///< on the copy device
};

/// @p fd and @p layout have been checked. The image begins with the slot's pixels, in the hand-over layout.
proto::Result<std::unique_ptr<ImportedTexture>> make_host_memory_texture(std::shared_ptr<CopyDevice> device,
                                                                         SlotImages images, const UniqueFd& fd,
                                                                         const TextureDesc& desc,
                                                                         const TextureLayout& layout);

}  // namespace ferry::platform
