#include "client/cli/frame_readback.h"

#include <ferry/ferry_vulkan.h>

#include <optional>

#include "client/cli/exit_code.h"
#include "client/cli/plane_copies.h"

namespace ferry::cli {
namespace {

/// Cached memory first: the host reads every byte of it.
std::optional<std::uint32_t> find_memory_type(const Gpu& gpu, std::uint32_t allowed) {
  using Property = vk::MemoryPropertyFlagBits;
  const vk::PhysicalDeviceMemoryProperties properties = gpu.physical_device.getMemoryProperties();
  const vk::MemoryPropertyFlags visible = Property::eHostVisible | Property::eHostCoherent;
  for (const vk::MemoryPropertyFlags wanted : {visible | Property::eHostCached, visible}) {
    for (std::uint32_t i = 0; i < properties.memoryTypeCount; ++i) {
      const bool fits = (properties.memoryTypes[i].propertyFlags & wanted) == wanted;
      if (fits && ((allowed >> i) & 1U)) return i;
    }
  }
  return std::nullopt;
}

void record_copy(vk::CommandBuffer commands, const Gpu& gpu, const Frame& frame, vk::Buffer buffer) {
  using Stage = vk::PipelineStageFlagBits;
  const vk::ImageMemoryBarrier take = ferry_acquire_barrier_from(
      frame.peer_queue_family, frame.image, gpu.queue_family,
      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
  const vk::ImageMemoryBarrier give = ferry_release_barrier_to(
      frame.peer_queue_family, frame.image, gpu.queue_family,
      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
  const vk::BufferMemoryBarrier to_host(vk::AccessFlagBits::eTransferWrite, vk::AccessFlagBits::eHostRead,
                                        VK_QUEUE_FAMILY_IGNORED, VK_QUEUE_FAMILY_IGNORED, buffer, 0, VK_WHOLE_SIZE);
  const auto everything = plane_copies(static_cast<ferry_format>(frame.format), frame.width_px, frame.height_px);
  commands.begin({vk::CommandBufferUsageFlagBits::eOneTimeSubmit});
  commands.pipelineBarrier(Stage::eTransfer, Stage::eTransfer, {}, {}, {}, take);
  commands.copyImageToBuffer(frame.image, vk::ImageLayout::eTransferSrcOptimal, buffer, everything);
  commands.pipelineBarrier(Stage::eTransfer, Stage::eHost, {}, {}, to_host, {});
  commands.pipelineBarrier(Stage::eTransfer, Stage::eBottomOfPipe, {}, {}, {}, give);
  commands.end();
}

}  // namespace

FrameReadback::FrameReadback(const Gpu& gpu, Consumer& consumer, const Frame& frame, std::int64_t deadline_ns)
    : gpu_(gpu) {
  const auto format = static_cast<ferry_format>(frame.format);
  const std::size_t stride_bytes = frame.width_px * bytes_per_pixel(format);
  const std::size_t size_bytes = planes_of(format).size_bytes(frame.width_px, frame.height_px);
  allocate(size_bytes);
  pool_ = gpu_.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu_.queue_family});
  const auto commands = gpu_.device.allocateCommandBuffers({*pool_, vk::CommandBufferLevel::ePrimary, 1}).front();
  done_ = gpu_.device.createFenceUnique({});
  record_copy(commands, gpu_, frame, *buffer_);
  submit(commands, frame);
  try {
    consumer.release(frame);
    wait_for_fence(gpu_, *done_, deadline_ns);
  } catch (...) {
    // The GPU may still write there: better to lose the memory than to give it to somebody else.
    static_cast<void>(memory_.release());
    static_cast<void>(buffer_.release());
    static_cast<void>(pool_.release());
    static_cast<void>(done_.release());
    throw;
  }
  const void* mapped = gpu_.device.mapMemory(*memory_, 0, VK_WHOLE_SIZE);
  pixels_ = {format, frame.width_px, frame.height_px, stride_bytes,
             std::span(static_cast<const std::byte*>(mapped), size_bytes)};
}

FrameReadback::~FrameReadback() { gpu_.device.unmapMemory(*memory_); }

void FrameReadback::allocate(vk::DeviceSize size_bytes) {
  buffer_ = gpu_.device.createBufferUnique({{}, size_bytes, vk::BufferUsageFlagBits::eTransferDst});
  const vk::MemoryRequirements needs = gpu_.device.getBufferMemoryRequirements(*buffer_);
  const auto type = find_memory_type(gpu_, needs.memoryTypeBits);
  if (!type) throw CommandError(ExitCode::kFailure, "the GPU has no memory that the host can read");
  memory_ = gpu_.device.allocateMemoryUnique({needs.size, *type});
  gpu_.device.bindBufferMemory(*buffer_, *memory_, 0);
}

void FrameReadback::submit(vk::CommandBuffer commands, const Frame& frame) {
  const vk::PipelineStageFlags stage = vk::PipelineStageFlagBits::eTransfer;
  const vk::Semaphore ready(frame.wait_semaphore), read(frame.signal_semaphore);
  vk::TimelineSemaphoreSubmitInfo values;
  values.setWaitSemaphoreValues(frame.wait_value);
  values.setSignalSemaphoreValues(frame.signal_value);
  vk::SubmitInfo info;
  info.pNext = &values;
  info.setWaitSemaphores(ready);
  info.setWaitDstStageMask(stage);
  info.setCommandBuffers(commands);
  info.setSignalSemaphores(read);
  gpu_.queue.submit(info, *done_);
}

}  // namespace ferry::cli
