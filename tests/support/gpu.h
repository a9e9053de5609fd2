#pragma once
// The little of Vulkan that the tests draw and read with, on a device that they own or that Ferry made.

#include <vulkan/vulkan_core.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "ferry/ferry.h"

namespace ferry::test {

#define FERRY_TEST_DEVICE_FUNCTIONS(X)                                                                               \
  X(AllocateCommandBuffers)                                                                                          \
  X(AllocateMemory)                                                                                                  \
  X(BeginCommandBuffer)                                                                                              \
  X(BindBufferMemory)                                                                                                \
  X(CmdBindDescriptorSets) X(CmdBindPipeline) X(CmdCopyBuffer) X(CmdCopyBufferToImage) X(CmdCopyImageToBuffer)       \
      X(CmdDispatch) X(CmdPipelineBarrier) X(CmdFillBuffer) X(CmdPushConstants) X(CreateBuffer) X(CreateCommandPool) \
          X(CreateComputePipelines) X(CreateDescriptorPool) X(CreateDescriptorSetLayout) X(CreateFence)              \
              X(CreatePipelineLayout) X(CreateShaderModule) X(AllocateDescriptorSets) X(UpdateDescriptorSets)        \
                  X(DestroyBuffer) X(DestroyCommandPool) X(DestroyDescriptorPool) X(DestroyDescriptorSetLayout)      \
                      X(DestroyFence) X(DestroyPipeline) X(DestroyPipelineLayout) X(DestroyShaderModule)             \
                          X(DeviceWaitIdle) X(EndCommandBuffer) X(FreeMemory) X(GetBufferMemoryRequirements)         \
                              X(GetDeviceQueue) X(MapMemory) X(QueueSubmit) X(ResetCommandBuffer) X(ResetFences)     \
                                  X(WaitForFences) X(CreateSemaphore) X(DestroySemaphore) X(SignalSemaphore)     \
                                      X(WaitSemaphores)

/// Borrowed handles and their entry points. Everything here throws when Vulkan fails.
class Gpu {
 public:
  /// A device that ferry_device_create made.
  explicit Gpu(ferry_device* device);
  /// An application's own.
  Gpu(const ferry_vulkan_info& info, VkQueue queue);

  VkDevice device() const { return device_; }
  VkQueue queue() const { return queue_; }
  std::uint32_t queue_family_index() const { return queue_family_index_; }

#define FERRY_TEST_DECLARE(name) PFN_vk##name name = nullptr;
  FERRY_TEST_DEVICE_FUNCTIONS(FERRY_TEST_DECLARE)
#undef FERRY_TEST_DECLARE

  /// Index of a memory type out of @p allowed_bits with all of @p required and, if there is one, @p preferred.
  std::uint32_t memory_type(std::uint32_t allowed_bits, VkMemoryPropertyFlags required,
                            VkMemoryPropertyFlags preferred) const;

 private:
  void load(const ferry_vulkan_info& info);

  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  std::uint32_t queue_family_index_ = 0;
  VkPhysicalDeviceMemoryProperties memory_{};
};

/// A buffer with memory of its own, mapped for its life if it is host-visible.
class GpuBuffer {
 public:
  enum class Kind : std::uint8_t { kUpload, kReadback, kDeviceLocal };

  GpuBuffer(const Gpu& gpu, std::size_t size_bytes, Kind kind);
  ~GpuBuffer();
  GpuBuffer(const GpuBuffer&) = delete;
  GpuBuffer& operator=(const GpuBuffer&) = delete;

  VkBuffer handle() const { return buffer_; }
  std::size_t size_bytes() const { return size_bytes_; }
  std::span<std::byte> bytes() const {
    return {static_cast<std::byte*>(mapped_), mapped_ == nullptr ? 0 : size_bytes_};
  }

 private:
  const Gpu& gpu_;
  std::size_t size_bytes_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  void* mapped_ = nullptr;
};

/// One command buffer and the fence of its last submission.
class GpuCommands {
 public:
  explicit GpuCommands(const Gpu& gpu);
  ~GpuCommands();
  GpuCommands(const GpuCommands&) = delete;
  GpuCommands& operator=(const GpuCommands&) = delete;

  struct Points {
    std::span<const VkSemaphore> wait_semaphores;
    std::span<const std::uint64_t> wait_values;
    VkPipelineStageFlags wait_stage = VK_PIPELINE_STAGE_TRANSFER_BIT;
    VkSemaphore signal_semaphore = VK_NULL_HANDLE;
    std::uint64_t signal_value = 0;
  };

  /// Waits for the last submission, then records anew.
  VkCommandBuffer begin();
  void submit(const Points& points);
  /// Throws after 20 s.
  void wait();

 private:
  const Gpu& gpu_;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkCommandBuffer commands_ = VK_NULL_HANDLE;
  VkFence fence_ = VK_NULL_HANDLE;
  bool pending_ = false;
};

}  // namespace ferry::test
