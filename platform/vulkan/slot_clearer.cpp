#include "platform/vulkan/slot_clearer.h"

#include <fmt/format.h>

#include "platform/vulkan/fence_wait.h"
#include "platform/vulkan/image_barrier.h"
#include "platform/vulkan/slot_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

// A clear takes microseconds on a GPU. On the CPU it is memory traffic and page faults, so big pools get more time.
constexpr std::uint64_t kClearDeadlineNs = 5'000'000'000;
constexpr std::uint64_t kClearNsPerGibibyte = 2'000'000'000;

}  // namespace

proto::Result<VkCommandBuffer> SlotClearer::record(ClearJob& job, std::uint32_t owner_queue_family) {
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
    auto in = image_barrier(texture->image(), VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
    in.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    to_clear.push_back(in);
    auto out =
        image_barrier(texture->image(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
    out.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
    out.srcQueueFamilyIndex = c.handles.queue_family_index;
    out.dstQueueFamilyIndex = owner_queue_family;
    to_hand_over.push_back(out);
  }
  c.vkd.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                           0, nullptr, static_cast<std::uint32_t>(to_clear.size()), to_clear.data());
  record_clears(job, commands);
  c.vkd.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                           nullptr, 0, nullptr, static_cast<std::uint32_t>(to_hand_over.size()), to_hand_over.data());
  if (const VkResult result = c.vkd.EndCommandBuffer(commands); result != VK_SUCCESS)
    return vk_error(result, "vkEndCommandBuffer");
  return commands;
}

void SlotClearer::record_clears(const ClearJob& job, VkCommandBuffer commands) const {
  const DeviceContext& c = *context_;
  const VkClearColorValue transparent_black{};
  if (job.black) job.black->record_fill(c, commands);
  for (const auto& texture : job.textures)
    if (job.black)
      job.black->record_copy(c, commands, texture->image());
    else
      c.vkd.CmdClearColorImage(commands, texture->image(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &transparent_black, 1,
                               &kWholeImage);
}

proto::Result<std::vector<std::unique_ptr<ExportedTexture>>> SlotClearer::clear(
    Textures textures, const TextureDesc& desc, std::uint32_t owner_queue_family) {
  if (textures.empty()) return std::vector<std::unique_ptr<ExportedTexture>>{};
  const DeviceContext& c = *context_;
  auto job = std::make_unique<ClearJob>();
  job->textures = std::move(textures);
  if (proto::format_info(desc.format).is_yuv()) {
    auto black = BlackPicture::create(c, desc);
    if (!black) return std::move(black).error();
    job->black = std::move(*black);
  }
  auto commands = record(*job, owner_queue_family);
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
  const VkResult waited = wait_for_fence(c, fence, deadline_ns);
  const auto count = job->textures.size();
  // The GPU may still write: nothing of this may be destroyed, nor the device that it belongs to.
  if (still_runs(waited)) static_cast<void>(job.release());
  if (waited == VK_TIMEOUT)
    return proto::Error{proto::ErrorCode::kDeviceLost,
                        fmt::format("device '{}' has not cleared {} slots of {} within {} ms", c.capabilities.name,
                                    count, describe(desc), deadline_ns / 1'000'000)};
  if (waited != VK_SUCCESS) return vk_error(waited, "vkWaitForFences");
  return std::vector<std::unique_ptr<ExportedTexture>>(std::make_move_iterator(job->textures.begin()),
                                                       std::make_move_iterator(job->textures.end()));
}

}  // namespace ferry::platform
