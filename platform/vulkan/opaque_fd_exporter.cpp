#include "platform/vulkan/opaque_fd_exporter.h"

#include <fmt/format.h>

#include <mutex>

#include "platform/vulkan/slot_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

// A clear takes microseconds on a GPU. On the CPU it is memory traffic and page faults, so big pools get more time.
constexpr std::uint64_t kClearDeadlineNs = 5'000'000'000;
constexpr std::uint64_t kClearNsPerGibibyte = 2'000'000'000;

constexpr VkImageSubresourceRange kWholeImage{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};

/// Memory for an opaque fd has no use outside the GPU, so device-local types first.
std::uint32_t choose_memory_type(const VkPhysicalDeviceMemoryProperties& memory, std::uint32_t allowed_bits) {
  for (const VkMemoryPropertyFlags wanted :
       {VkMemoryPropertyFlags{VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT}, VkMemoryPropertyFlags{0}})
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((allowed_bits >> i & 1u) && (memory.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  return 0;  // not reached: a driver allows at least one of its types for every image
}

class OpaqueFdTexture final : public ExportedTexture {
 public:
  OpaqueFdTexture(std::shared_ptr<const DeviceContext> context, UniqueMemory memory, UniqueImage image,
                  const TextureLayout& layout, UniqueFd fd)
      : context_(std::move(context)),
        memory_(std::move(memory)),
        image_(std::move(image)),
        layout_(layout),
        fd_(std::move(fd)) {}

  const TextureLayout& layout() const override { return layout_; }
  const UniqueFd& fd() const override { return fd_; }
  VkImage image() const { return image_.get(); }

 private:
  std::shared_ptr<const DeviceContext> context_;
  UniqueMemory memory_;
  UniqueImage image_;
  TextureLayout layout_;
  UniqueFd fd_;
};

using Textures = std::vector<std::unique_ptr<OpaqueFdTexture>>;

VkImageMemoryBarrier barrier_of(VkImage image, VkImageLayout from, VkImageLayout to) {
  VkImageMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
  barrier.oldLayout = from;
  barrier.newLayout = to;
  barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.image = image;
  barrier.subresourceRange = kWholeImage;
  return barrier;
}

class OpaqueFdExporter final : public TextureExporter {
 public:
  OpaqueFdExporter(std::shared_ptr<const DeviceContext> context, VkQueue queue)
      : context_(std::move(context)), queue_(queue) {}

  Transport transport() const override { return Transport::kOpaqueFd; }

  proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> allocate(const TextureDesc& desc,
                                                                        std::uint32_t count) override {
    Textures textures;
    textures.reserve(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      auto texture = create(desc);
      if (!texture) return std::move(texture).error();
      textures.push_back(std::move(*texture));
    }
    return count == 0 ? std::vector<std::unique_ptr<ExportedTexture>>{} : clear(std::move(textures), desc);
  }

 private:
  /// What the GPU works on until the fence is signalled.
  struct ClearJob {
    Textures textures;
    UniqueCommandPool pool;
    UniqueFence fence;
  };

  proto::Result<std::unique_ptr<OpaqueFdTexture>> create(const TextureDesc& desc);
  proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> clear(Textures textures, const TextureDesc& desc);
  proto::Result<VkCommandBuffer> record(ClearJob& job);

  std::shared_ptr<const DeviceContext> context_;
  VkQueue queue_;
  std::mutex submit_mutex_;
};

proto::Result<std::unique_ptr<OpaqueFdTexture>> OpaqueFdExporter::create(const TextureDesc& desc) {
  const DeviceContext& c = *context_;
  auto slot = create_slot_image(c, desc);
  if (!slot) return std::move(slot).error();

  TextureLayout layout;
  layout.transport = Transport::kOpaqueFd;
  layout.allocation_size_bytes = slot->requirements.size;
  layout.memory_type_index = choose_memory_type(c.memory, slot->requirements.memoryTypeBits);
  layout.dedicated = true;

  VkMemoryDedicatedAllocateInfo dedicated{};
  dedicated.sType = VK_STRUCTURE_TYPE_MEMORY_DEDICATED_ALLOCATE_INFO;
  dedicated.image = slot->image.get();
  VkExportMemoryAllocateInfo exported{};
  exported.sType = VK_STRUCTURE_TYPE_EXPORT_MEMORY_ALLOCATE_INFO;
  exported.pNext = &dedicated;
  exported.handleTypes = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.pNext = &exported;
  info.allocationSize = layout.allocation_size_bytes;
  info.memoryTypeIndex = layout.memory_type_index;
  const std::string what =
      fmt::format("{} bytes for {} on device '{}'", info.allocationSize, describe(desc), c.capabilities.name);
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &info, nullptr, &memory); result != VK_SUCCESS)
    return vk_error(result, "vkAllocateMemory", what);
  UniqueMemory owned_memory(c, memory);
  if (const VkResult result = c.vkd.BindImageMemory(c.handles.device, slot->image.get(), memory, 0);
      result != VK_SUCCESS)
    return vk_error(result, "vkBindImageMemory", what);

  VkMemoryGetFdInfoKHR fd_info{};
  fd_info.sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR;
  fd_info.memory = memory;
  fd_info.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
  int fd = -1;
  if (const VkResult result = c.vkd.GetMemoryFdKHR(c.handles.device, &fd_info, &fd); result != VK_SUCCESS)
    return vk_error(result, "vkGetMemoryFdKHR", what);
  return std::make_unique<OpaqueFdTexture>(context_, std::move(owned_memory), std::move(slot->image), layout,
                                           UniqueFd(fd));
}

proto::Result<VkCommandBuffer> OpaqueFdExporter::record(ClearJob& job) {
  const DeviceContext& c = *context_;
  VkCommandPoolCreateInfo pool_info{};
  pool_info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool_info.flags = VK_COMMAND_POOL_CREATE_TRANSIENT_BIT;
  pool_info.queueFamilyIndex = c.handles.queue_family_index;
  VkCommandPool pool = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateCommandPool(c.handles.device, &pool_info, nullptr, &pool);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateCommandPool");
  job.pool = UniqueCommandPool(c, pool);

  VkCommandBufferAllocateInfo buffer_info{};
  buffer_info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  buffer_info.commandPool = pool;
  buffer_info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffer_info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateCommandBuffers(c.handles.device, &buffer_info, &commands);
      result != VK_SUCCESS)
    return vk_error(result, "vkAllocateCommandBuffers");
  VkCommandBufferBeginInfo begin_info{};
  begin_info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin_info.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  if (const VkResult result = c.vkd.BeginCommandBuffer(commands, &begin_info); result != VK_SUCCESS)
    return vk_error(result, "vkBeginCommandBuffer");

  std::vector<VkImageMemoryBarrier> to_clear, to_hand_over;
  for (const auto& texture : job.textures) {
    auto in = barrier_of(texture->image(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    in.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    to_clear.push_back(in);
    auto out =
        barrier_of(texture->image(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    out.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    out.srcQueueFamilyIndex = c.handles.queue_family_index;
    out.dstQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
    to_hand_over.push_back(out);
  }
  const VkClearColorValue transparent_black{};
  c.vkd.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                           0, nullptr, static_cast<std::uint32_t>(to_clear.size()), to_clear.data());
  for (const auto& texture : job.textures)
    c.vkd.CmdClearColorImage(commands, texture->image(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &transparent_black, 1,
                             &kWholeImage);
  c.vkd.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                           nullptr, 0, nullptr, static_cast<std::uint32_t>(to_hand_over.size()), to_hand_over.data());
  if (const VkResult result = c.vkd.EndCommandBuffer(commands); result != VK_SUCCESS)
    return vk_error(result, "vkEndCommandBuffer");
  return commands;
}

proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> OpaqueFdExporter::clear(Textures textures,
                                                                                     const TextureDesc& desc) {
  const DeviceContext& c = *context_;
  auto job = std::make_unique<ClearJob>();
  job->textures = std::move(textures);
  auto commands = record(*job);
  if (!commands) return std::move(commands).error();

  VkFenceCreateInfo fence_info{};
  fence_info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  VkFence fence = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateFence(c.handles.device, &fence_info, nullptr, &fence); result != VK_SUCCESS)
    return vk_error(result, "vkCreateFence");
  job->fence = UniqueFence(c, fence);

  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &*commands;
  {
    const std::lock_guard lock(submit_mutex_);
    if (const VkResult result = c.vkd.QueueSubmit(queue_, 1, &submit, fence); result != VK_SUCCESS)
      return vk_error(result, "vkQueueSubmit");
  }

  const std::uint64_t bytes = job->textures.front()->layout().allocation_size_bytes * job->textures.size();
  const std::uint64_t deadline_ns = kClearDeadlineNs + (bytes >> 30) * kClearNsPerGibibyte;
  const VkResult waited = c.vkd.WaitForFences(c.handles.device, 1, &fence, VK_TRUE, deadline_ns);
  if (waited == VK_TIMEOUT) {
    // The GPU hangs, and may still write: nothing of this may be destroyed, nor the device that it belongs to.
    const auto count = job.release()->textures.size();
    return proto::Error{proto::ErrorCode::kDeviceLost,
                        fmt::format("device '{}' has not cleared {} slots of {} within {} ms", c.capabilities.name,
                                    count, describe(desc), deadline_ns / 1'000'000)};
  }
  if (waited != VK_SUCCESS) return vk_error(waited, "vkWaitForFences");
  return std::vector<std::unique_ptr<ExportedTexture>>(std::make_move_iterator(job->textures.begin()),
                                                       std::make_move_iterator(job->textures.end()));
}

}  // namespace

std::unique_ptr<TextureExporter> make_opaque_fd_exporter(std::shared_ptr<const DeviceContext> context, VkQueue queue) {
  return std::make_unique<OpaqueFdExporter>(std::move(context), queue);
}

}  // namespace ferry::platform
