// A Ferry producer in one file: a stream named "demo" whose picture changes its colour.
// Put your own drawing where the clear is.
#include <ferry/ferry_vulkan.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ferry/ferry.hpp>
#include <thread>
#include <vulkan/vulkan.hpp>

int main() try {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  ferry::Connection connection({.application = "minimal producer"});
  ferry::Device gpu(connection);  // or ferry::Device::wrap(): the Vulkan device that your engine has
  ferry::Producer producer(connection, gpu,
                           {.name = "demo", .image = ferry::image_desc(1280, 720, FERRY_FORMAT_RGBA8_UNORM)});

  const ferry::DeviceInfo info = gpu.info();
  const vk::Device device = info.device;
  const vk::Queue queue = info.queue;
  const auto pool =
      device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eResetCommandBuffer, info.queue_family_index});
  const auto commands = device.allocateCommandBuffers({*pool, vk::CommandBufferLevel::ePrimary, 1}).front();
  const auto drawn = device.createFenceUnique({});

  for (int frame = 0; frame < 600; ++frame) {
    const auto target = producer.begin(std::chrono::seconds(1));  // a slot that nobody reads
    if (!target) continue;

    // Draw. Between the two barriers the image is yours: here it is cleared, in your program it is rendered to.
    const auto usage = VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL;
    const auto access = VK_ACCESS_TRANSFER_WRITE_BIT;
    const auto stage = vk::PipelineStageFlagBits::eTransfer;
    const vk::ImageMemoryBarrier take =
        ferry_acquire_barrier_from(target->peer_queue_family, target->image, info.queue_family_index, usage, access);
    const vk::ImageMemoryBarrier give =
        ferry_release_barrier_to(target->peer_queue_family, target->image, info.queue_family_index, usage, access);
    const float hue = static_cast<float>(frame) / 60;
    const vk::ClearColorValue colour(std::array{std::sin(hue) / 2 + 0.5F, std::cos(hue) / 2 + 0.5F, 0.4F, 1.0F});
    const vk::ImageSubresourceRange whole(vk::ImageAspectFlagBits::eColor, 0, 1, 0, 1);
    commands.begin(vk::CommandBufferBeginInfo{});
    commands.pipelineBarrier(stage, stage, {}, {}, {}, take);
    commands.clearColorImage(target->image, vk::ImageLayout::eTransferDstOptimal, colour, whole);
    commands.pipelineBarrier(stage, vk::PipelineStageFlagBits::eBottomOfPipe, {}, {}, {}, give);
    commands.end();

    // Submit: wait until the last readers of this slot are done, signal when the picture is complete.
    const std::vector<vk::Semaphore> readers(target->wait_semaphores, target->wait_semaphores + target->wait_count);
    const std::vector<vk::PipelineStageFlags> stages(target->wait_count, stage);
    const vk::Semaphore complete = target->signal_semaphore;
    const vk::TimelineSemaphoreSubmitInfo points(target->wait_count, target->wait_values, 1, &target->signal_value);
    queue.submit(vk::SubmitInfo(readers, stages, commands, complete, &points), *drawn);

    producer.publish(*target);  // from here on every consumer can have it

    if (device.waitForFences(*drawn, true, kSecondNs) != vk::Result::eSuccess) return 1;  // one command buffer only
    device.resetFences(*drawn);
    std::this_thread::sleep_for(std::chrono::milliseconds(16));
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
