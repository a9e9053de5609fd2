// Slots of transport host-memory: memfds whose size is sealed. Every GPU reaches them, and none has to export anything.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "platform/linux/system_error.h"
#include "platform/texture.h"

namespace ferry::platform {
namespace {

using proto::Result;

// What copy engines like rows to begin at, and a multiple of every format's pixel.
constexpr std::uint64_t kRowAlignmentBytes = 256;
// Drivers take host memory in units of their own (minImportedHostPointerAlignment); none is known to want more.
constexpr std::uint64_t kSizeAlignmentBytes = 65536;

constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

class HostMemoryTexture final : public ExportedTexture {
 public:
  HostMemoryTexture(const TextureLayout& layout, UniqueFd fd) : layout_(layout), fd_(std::move(fd)) {}
  const TextureLayout& layout() const override { return layout_; }
  const UniqueFd& fd() const override { return fd_; }

 private:
  TextureLayout layout_;
  UniqueFd fd_;
};

class HostMemoryExporter final : public TextureExporter {
 public:
  Transport transport() const override { return Transport::kHostMemory; }

  Result<std::vector<std::unique_ptr<ExportedTexture>>> allocate(const TextureDesc& desc,
                                                                 std::uint32_t count) override {
    const std::uint64_t row_bytes = proto::format_info(desc.format).row_bytes(0, desc.width_px);
    TextureLayout layout;
    layout.transport = Transport::kHostMemory;
    layout.dedicated = false;
    layout.row_pitch_bytes = static_cast<std::uint32_t>(align_up(row_bytes, kRowAlignmentBytes));
    layout.allocation_size_bytes =
        align_up(std::uint64_t{layout.row_pitch_bytes} * desc.height_px, kSizeAlignmentBytes);
    std::vector<std::unique_ptr<ExportedTexture>> textures;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto fd = create(layout.allocation_size_bytes);
      if (!fd) return std::move(fd).error();
      textures.push_back(std::make_unique<HostMemoryTexture>(layout, std::move(*fd)));
    }
    return textures;
  }

 private:
  static Result<UniqueFd> create(std::uint64_t size_bytes) {
    UniqueFd fd(::memfd_create("ferry-slot", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) return system_error("memfd_create of a slot", errno);
    const auto size = static_cast<off_t>(size_bytes);
    if (::ftruncate(fd.get(), size) != 0)
      return system_error(fmt::format("ftruncate of a slot to {} bytes", size_bytes), errno);
    // Memory now, and an error if there is none: a hole would be filled at the first touch, by SIGBUS if it cannot be.
    if (::fallocate(fd.get(), 0, 0, size) != 0)
      return system_error(fmt::format("fallocate of a slot of {} bytes", size_bytes), errno);
    if (::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
      return system_error("sealing of a slot", errno);
    return fd;
  }
};

}  // namespace

std::unique_ptr<TextureExporter> make_host_memory_exporter() { return std::make_unique<HostMemoryExporter>(); }

}  // namespace ferry::platform
