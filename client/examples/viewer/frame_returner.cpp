#include "client/examples/viewer/frame_returner.h"

#include <ferry/ferry_vulkan.h>

namespace viewer {

FrameReturner::FrameReturner(const examples::Gpu& gpu) : gpu_(gpu) {
  for (Slot& slot : slots_) {
    slot.pool = gpu.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu.queue_family});
    slot.commands = gpu.device.allocateCommandBuffers({*slot.pool, vk::CommandBufferLevel::ePrimary, 1}).front();
    slot.done = gpu.device.createFenceUnique({vk::FenceCreateFlagBits::eSignaled});
  }
}

FrameReturner::~FrameReturner() {
  constexpr std::uint64_t kDeadlineNs = 2'000'000'000;
  for (const Slot& slot : slots_) static_cast<void>(gpu_.device.waitForFences(*slot.done, VK_TRUE, kDeadlineNs));
}

void FrameReturner::give_back(ferry::Consumer& consumer, const ferry::Frame& frame) {
  Slot& slot = slots_[next_++ % slots_.size()];
  examples::wait_for(gpu_, *slot.done);
  gpu_.device.resetCommandPool(*slot.pool);
  const vk::ImageMemoryBarrier hand_back(ferry_release_barrier_to(
      frame.peer_queue_family, frame.image, gpu_.queue_family,
      VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_ACCESS_SHADER_READ_BIT));
  slot.commands.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  slot.commands.pipelineBarrier(vk::PipelineStageFlagBits::eFragmentShader, vk::PipelineStageFlagBits::eBottomOfPipe,
                                {}, {}, {}, hand_back);
  slot.commands.end();

  const vk::Semaphore read(frame.signal_semaphore);
  const vk::TimelineSemaphoreSubmitInfo values({}, frame.signal_value);
  gpu_.device.resetFences(*slot.done);
  gpu_.queue.submit(vk::SubmitInfo({}, {}, slot.commands, read, &values), *slot.done);
  consumer.release(frame);
}

}  // namespace viewer
