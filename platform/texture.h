#pragma once
// How texture memory crosses: what every transport and system implements. The broker exports, clients import.

#include <vulkan/vulkan_core.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/unique_fd.h"
#include "proto/colour.h"
#include "proto/format.h"
#include "proto/result.h"

namespace ferry::platform {

/// Values are the wire's (wire::Transport).
enum class Transport : std::uint8_t { kNone = 0, kOpaqueFd = 1, kDmaBuf = 2, kHostMemory = 3 };
const char* transport_name(Transport transport);  ///< "opaque-fd"

struct TextureDesc {
  std::uint32_t width_px = 0, height_px = 0;
  proto::Format format{};
  std::uint32_t usage = 0;  ///< proto::UsageBits; kUsageAlways is added by who creates images from it
  std::uint32_t flags = 0;  ///< proto::ImageFlagBits
  proto::Colour colour{};   ///< what the numbers mean; no driver is told
};

/// What memory of a dma-buf looks like to its users: a DRM format modifier (drm_fourcc.h).
inline constexpr std::uint64_t kModifierLinear = 0;
inline constexpr std::uint64_t kNoModifier = 0x00ffffffffffffffu;  ///< DRM_FORMAT_MOD_INVALID
std::string modifier_name(std::uint64_t modifier);                 ///< "LINEAR", else in hexadecimal

/// A modifier that a device can share images of @c format in. Every one can be imported.
struct FormatModifier {
  proto::Format format{};
  std::uint64_t modifier = kNoModifier;
  std::uint32_t plane_count = 0;
  std::uint32_t usage = 0;  ///< proto::UsageBits that images of it may have
  bool exports = false;
  friend bool operator==(const FormatModifier&, const FormatModifier&) = default;
};

inline constexpr std::size_t kMaxPlanes = 4;
struct PlaneLayout {
  std::uint64_t offset_bytes = 0;
  std::uint64_t row_pitch_bytes = 0;
};

/// What an importer must know about exported memory besides the TextureDesc.
struct TextureLayout {
  Transport transport{};
  std::uint64_t allocation_size_bytes = 0;
  std::uint32_t memory_type_index = 0;  ///< opaque-fd
  bool dedicated = true;                ///< opaque-fd
  std::uint32_t row_pitch_bytes = 0;    ///< host-memory: from one row to the next; rows begin at byte 0
  std::uint64_t modifier = kNoModifier;  ///< dma-buf
  std::uint32_t plane_count = 0;         ///< dma-buf; all planes lie in the one descriptor
  std::array<PlaneLayout, kMaxPlanes> planes{};
};

/// A texture the broker owns. Destroying it frees the broker's reference; importers keep theirs.
class ExportedTexture {
 public:
  virtual ~ExportedTexture() = default;
  virtual const TextureLayout& layout() const = 0;
  /// The descriptor to send; stays owned by the texture (send duplicates it).
  virtual const UniqueFd& fd() const = 0;
};

class TextureExporter {
 public:
  virtual ~TextureExporter() = default;
  virtual Transport transport() const = 0;
  /// @p count textures of one shape, cleared to transparent black and in the hand-over layout, GPU work done when it
  /// returns. kInvalidArgument (size beyond the device's limit, format or usage it cannot do: names value and limit),
  /// kOutOfMemory, kDeviceLost.
  virtual proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> allocate(const TextureDesc& desc,
                                                                                std::uint32_t count) = 0;
};

/// Moves pixels between an image that an application uses and memory that its GPU cannot use in place. Each copy is
/// done by the GPU, takes the image over and hands it back by the contract, and is complete when the call returns: the
/// application's own work on the image must be. Any thread, one at a time. kDeviceLost.
class TextureCopy {
 public:
  virtual ~TextureCopy() = default;
  virtual proto::Result<void> to_shared() = 0;    ///< the image's pixels become the slot's
  virtual proto::Result<void> from_shared() = 0;  ///< the slot's pixels become the image's
};

/// A texture as a client sees it. Destroy it before the VkDevice, and after the GPU is done with it.
class ImportedTexture {
 public:
  virtual ~ImportedTexture() = default;
  virtual VkImage image() const = 0;
  virtual VkImageView view() const = 0;
  virtual VkFormat vk_format() const = 0;
  /// nullptr: the image is the shared memory, and nothing is ever copied.
  virtual TextureCopy* copy() const { return nullptr; }
};

class TextureImporter {
 public:
  virtual ~TextureImporter() = default;
  /// Takes @p fd in every case. Checks it before the driver sees it: kind and size against @p layout.
  virtual proto::Result<std::unique_ptr<ImportedTexture>> import(UniqueFd fd, const TextureDesc& desc,
                                                                 const TextureLayout& layout) = 0;
};

/// Of transport host-memory: sealed memfds. Needs no device.
std::unique_ptr<TextureExporter> make_host_memory_exporter();
/// What an importer of that transport looks at before it maps anything: rows that fit, and sealed memory of that size.
/// kProtocolViolation.
proto::Result<void> check_host_memory_slot(const UniqueFd& fd, const TextureDesc& desc, const TextureLayout& layout);

}  // namespace ferry::platform
