#include "client/examples/viewer/readback.h"

#include <ferry/ferry_vulkan.h>

#include "client/examples/common/image_format.h"
#include "client/examples/viewer/pixels.h"

namespace viewer {
namespace {

constexpr auto kCopyStage = vk::PipelineStageFlagBits::eTransfer;

}  // namespace

Readback::Readback(const examples::Gpu& gpu)
    : gpu_(gpu),
      pool_(gpu.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu.queue_family})),
      commands_(gpu.device.allocateCommandBuffers({*pool_, vk::CommandBufferLevel::ePrimary, 1}).front()),
      done_(gpu.device.createFenceUnique({})) {}

examples::Rgba8Picture Readback::read(ferry::Consumer& consumer, const ferry::Frame& frame) {
  const std::size_t pixel_count = std::size_t{frame.width_px} * frame.height_px;
  const std::size_t size_bytes = pixel_count * examples::bytes_per_pixel(frame.format);
  if (size_bytes > capacity_bytes_) {
    pixels_ =
        examples::make_buffer(gpu_, size_bytes, vk::BufferUsageFlagBits::eTransferDst, examples::HostAccess::kRead);
    capacity_bytes_ = size_bytes;
  }
  record(frame);
  submit(frame);
  consumer.release(frame);  // the producer may have it once the copy has signalled
  examples::wait_for(gpu_, *done_);
  gpu_.device.resetFences(*done_);

  rgba8_.resize(pixel_count * 4);
  convert_to_rgba8({pixels_.mapped, size_bytes}, frame.format, frame.metadata.transfer == FERRY_TRANSFER_LINEAR,
                   rgba8_);
  return {frame.width_px, frame.height_px, rgba8_};
}

void Readback::record(const ferry::Frame& frame) const {
  const auto layout = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
  const auto reads = VK_ACCESS_TRANSFER_READ_BIT;
  const vk::ImageMemoryBarrier take(
      ferry_acquire_barrier_from(frame.peer_queue_family, frame.image, gpu_.queue_family, layout, reads));
  const vk::ImageMemoryBarrier hand_back(
      ferry_release_barrier_to(frame.peer_queue_family, frame.image, gpu_.queue_family, layout, reads));
  const vk::MemoryBarrier for_the_host(vk::AccessFlagBits::eTransferWrite, vk::AccessFlagBits::eHostRead);
  const vk::BufferImageCopy whole(0, 0, 0, {vk::ImageAspectFlagBits::eColor, 0, 0, 1}, {},
                                  {frame.width_px, frame.height_px, 1});
  gpu_.device.resetCommandPool(*pool_);
  commands_.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  commands_.pipelineBarrier(kCopyStage, kCopyStage, {}, {}, {}, take);
  commands_.copyImageToBuffer(frame.image, vk::ImageLayout::eTransferSrcOptimal, *pixels_.buffer, whole);
  commands_.pipelineBarrier(kCopyStage, vk::PipelineStageFlagBits::eBottomOfPipe, {}, {}, {}, hand_back);
  commands_.pipelineBarrier(kCopyStage, vk::PipelineStageFlagBits::eHost, {}, for_the_host, {}, {});
  commands_.end();
}

void Readback::submit(const ferry::Frame& frame) const {
  const vk::Semaphore drawn(frame.wait_semaphore), read(frame.signal_semaphore);
  const vk::PipelineStageFlags stage = kCopyStage;
  const vk::TimelineSemaphoreSubmitInfo values(frame.wait_value, frame.signal_value);
  gpu_.queue.submit(vk::SubmitInfo(drawn, stage, commands_, read, &values), *done_);
}

}  // namespace viewer
