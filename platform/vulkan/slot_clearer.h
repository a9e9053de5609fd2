#pragma once
// Slots that were just allocated: cleared to transparent black (YUV: to black) and put into the hand-over layout, whatever they cross by.

#include <mutex>
#include <optional>

#include "platform/vulkan/black_picture.h"
#include "platform/vulkan/device_texture.h"

namespace ferry::platform {

/// Shared by the exporters of one queue. May be called from any thread; nobody else may submit to the queue meanwhile.
class SlotClearer {
 public:
  using Textures = std::vector<std::unique_ptr<DeviceTexture>>;

  SlotClearer(std::shared_ptr<const DeviceContext> context, VkQueue queue)
      : context_(std::move(context)), queue_(queue) {}

  /// GPU work done when it returns, the images @p owner_queue_family's. kDeviceLost: nothing of @p textures is freed when the GPU may still write to them.
  proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> clear(Textures textures, const TextureDesc& desc,
                                                                     std::uint32_t owner_queue_family);

 private:
  /// What the GPU works on until the fence is signalled.
  struct ClearJob {
    Textures textures;
    UniqueCommandPool pool;
    UniqueFence fence;
    std::optional<BlackPicture> black;  ///< of YUV formats
  };
  proto::Result<VkCommandBuffer> record(ClearJob& job, std::uint32_t owner_queue_family);
  void record_clears(const ClearJob& job, VkCommandBuffer commands) const;

  std::shared_ptr<const DeviceContext> context_;
  VkQueue queue_;
  std::mutex submit_mutex_;
};

}  // namespace ferry::platform
