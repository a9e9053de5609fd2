#include "client/examples/viewer/window_painter.h"

#include <ferry/ferry_vulkan.h>

#include <vector>

namespace viewer {
namespace {

using Stage = vk::PipelineStageFlagBits;

}  // namespace

WindowPainter::WindowPainter(const examples::Gpu& gpu, vk::SurfaceKHR surface, vk::Extent2D window_size)
    : gpu_(gpu), swapchain_(gpu, surface), frame_painter_(gpu, swapchain_.pass(), kFlights) {
  for (Flight& flight : flights_) {
    flight.pool = gpu.device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eTransient, gpu.queue_family});
    flight.commands = gpu.device.allocateCommandBuffers({*flight.pool, vk::CommandBufferLevel::ePrimary, 1}).front();
    flight.done = gpu.device.createFenceUnique({vk::FenceCreateFlagBits::eSignaled});
    flight.image_available = gpu.device.createSemaphoreUnique({});
  }
  is_stale_ = !swapchain_.recreate(window_size);
}

bool WindowPainter::begin(vk::Extent2D window_size) {
  if (window_size != swapchain_.extent()) is_stale_ = true;
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (is_stale_) {
      gpu_.queue.waitIdle();
      if (!swapchain_.recreate(window_size)) return false;
      is_stale_ = false;
    }
    examples::wait_for(gpu_, *flights_[flight_].done);
    if (const auto image = swapchain_.acquire(*flights_[flight_].image_available)) {
      image_ = *image;
      return true;
    }
    is_stale_ = true;
  }
  return false;  // resized again meanwhile; the event that says so comes next
}

void WindowPainter::finish(const Gui& gui, const std::optional<FramePlacement>& frame) {
  record(gui, frame);
  submit(frame && frame->is_fresh ? frame->frame : nullptr);
  if (!swapchain_.present(image_)) is_stale_ = true;
  flight_ = (flight_ + 1) % kFlights;
}

void WindowPainter::record(const Gui& gui, const std::optional<FramePlacement>& frame) {
  gpu_.device.resetCommandPool(*flights_[flight_].pool);
  const vk::CommandBuffer commands = flights_[flight_].commands;
  commands.begin(vk::CommandBufferBeginInfo(vk::CommandBufferUsageFlagBits::eOneTimeSubmit));
  if (frame && frame->is_fresh) {
    const ferry::Frame& fresh = *frame->frame;
    const vk::ImageMemoryBarrier take(
        ferry_acquire_barrier_from(fresh.peer_queue_family, fresh.image, gpu_.queue_family,
                                   VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_ACCESS_SHADER_READ_BIT));
    commands.pipelineBarrier(Stage::eFragmentShader, Stage::eFragmentShader, {}, {}, {}, take);
  }
  const vk::ClearValue background{vk::ClearColorValue(std::array{0.055F, 0.060F, 0.070F, 1.0F})};
  const vk::Rect2D whole({0, 0}, swapchain_.extent());
  commands.beginRenderPass({swapchain_.pass(), swapchain_.framebuffer(image_), whole, background},
                           vk::SubpassContents::eInline);
  if (frame) frame_painter_.draw(commands, flight_, *frame->frame, frame->area, frame->visible);
  gui.draw(commands);
  commands.endRenderPass();
  commands.end();
}

void WindowPainter::submit(const ferry::Frame* fresh_frame) {
  // Timeline and binary semaphores in one submission: a binary one ignores its value.
  std::vector<vk::Semaphore> waits{*flights_[flight_].image_available};
  std::vector<vk::PipelineStageFlags> stages{Stage::eColorAttachmentOutput};
  std::vector<std::uint64_t> wait_values{0};
  if (fresh_frame != nullptr) {
    waits.emplace_back(fresh_frame->wait_semaphore);
    stages.emplace_back(Stage::eFragmentShader);
    wait_values.push_back(fresh_frame->wait_value);
  }
  const vk::Semaphore drawn = swapchain_.drawn(image_);
  const std::uint64_t no_value = 0;
  const vk::TimelineSemaphoreSubmitInfo values(wait_values, no_value);
  gpu_.device.resetFences(*flights_[flight_].done);
  gpu_.queue.submit(vk::SubmitInfo(waits, stages, flights_[flight_].commands, drawn, &values), *flights_[flight_].done);
}

}  // namespace viewer
