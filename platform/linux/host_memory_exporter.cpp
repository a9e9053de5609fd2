// Slots of transport host-memory: memfds whose size is sealed. Every GPU reaches them, and none has to export anything.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
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
    const auto& format = proto::format_info(desc.format);
    std::uint64_t row_bytes = 0, rows = 0;
    for (std::size_t i = 0; i < format.plane_count; ++i) {
      row_bytes = std::max(row_bytes, format.row_bytes(i, desc.width_px));
      rows += format.rows(i, desc.height_px);
    }
    TextureLayout layout;
    layout.transport = Transport::kHostMemory;
    layout.dedicated = false;
    layout.row_pitch_bytes = static_cast<std::uint32_t>(align_up(row_bytes, kRowAlignmentBytes));
    layout.allocation_size_bytes = align_up(layout.row_pitch_bytes * rows, kSizeAlignmentBytes);
    std::vector<std::unique_ptr<ExportedTexture>> textures;
    for (std::uint32_t i = 0; i < count; ++i) {
      auto fd = create(layout.allocation_size_bytes);
      if (!fd) return std::move(fd).error();
      if (format.is_yuv())
        if (auto filled = fill_chroma(*fd, desc, layout); !filled) return std::move(filled).error();
      textures.push_back(std::make_unique<HostMemoryTexture>(layout, std::move(*fd)));
    }
    return textures;
  }

 private:
  /// New memory is zeros: black in RGB, and green in YUV.
  static Result<void> fill_chroma(const UniqueFd& fd, const TextureDesc& desc, const TextureLayout& layout) {
    void* mapped = ::mmap(nullptr, layout.allocation_size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (mapped == MAP_FAILED) return system_error("mmap of a slot", errno);
    const auto& format = proto::format_info(desc.format);
    const std::uint64_t luma_bytes = std::uint64_t{layout.row_pitch_bytes} * desc.height_px;
    const std::uint64_t chroma_bytes = std::uint64_t{layout.row_pitch_bytes} * format.rows(1, desc.height_px);
    const std::uint16_t middle = format.planes[1].texel_bytes == 2 ? 0x8080 : 0x8000;
    auto* chroma = reinterpret_cast<std::uint16_t*>(static_cast<std::byte*>(mapped) + luma_bytes);
    std::fill_n(chroma, chroma_bytes / sizeof middle, middle);
    ::munmap(mapped, layout.allocation_size_bytes);
    return {};
  }

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
