// A Ferry consumer in one file: reads the middle pixel of every new frame of the stream "demo".
// Put your own sampling where the copy is.
#include <ferry/ferry_vulkan.h>

#include <chrono>
#include <cstdio>
#include <ferry/ferry.hpp>
#include <vulkan/vulkan.hpp>

int main() try {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  ferry::Connection connection({.application = "minimal consumer"});
  ferry::Device gpu(connection);  // or ferry::Device::wrap(): the Vulkan device that your engine has
  ferry::Consumer consumer(connection, gpu, {.name = "demo", .timeout = std::chrono::seconds(10)});

  const ferry::DeviceInfo info = gpu.info();
  const vk::Device device = info.device;
  const vk::Queue queue = info.queue;
  const auto pool =
      device.createCommandPoolUnique({vk::CommandPoolCreateFlagBits::eResetCommandBuffer, info.queue_family_index});
  const auto commands = device.allocateCommandBuffers({*pool, vk::CommandBufferLevel::ePrimary, 1}).front();
  const auto pixel = device.createBufferUnique({{}, 8, vk::BufferUsageFlagBits::eTransferDst});
  const auto copied = device.createFenceUnique({});
  const auto needs = device.getBufferMemoryRequirements(*pixel);
  const auto kinds = vk::PhysicalDevice(info.physical_device).getMemoryProperties();
  const auto visible = vk::MemoryPropertyFlagBits::eHostVisible | vk::MemoryPropertyFlagBits::eHostCoherent;
  std::uint32_t kind = 0;
  while ((needs.memoryTypeBits >> kind & 1) == 0 || (kinds.memoryTypes[kind].propertyFlags & visible) != visible)
    ++kind;
  const auto memory = device.allocateMemoryUnique({needs.size, kind});
  device.bindBufferMemory(*pixel, *memory, 0);
  const auto* rgba = static_cast<const unsigned char*>(device.mapMemory(*memory, 0, 8));

  while (const auto frame = consumer.acquire(std::chrono::seconds(2))) {  // the newest; throws when the stream ends
    // Read. Between the two barriers the image is yours: here a pixel is copied, in your program it is sampled.
    const auto usage = VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL;
    const auto access = VK_ACCESS_TRANSFER_READ_BIT;
    const auto stage = vk::PipelineStageFlagBits::eTransfer;
    const vk::ImageMemoryBarrier take =
        ferry_acquire_barrier_from(frame->peer_queue_family, frame->image, info.queue_family_index, usage, access);
    const vk::ImageMemoryBarrier give =
        ferry_release_barrier_to(frame->peer_queue_family, frame->image, info.queue_family_index, usage, access);
    const vk::MemoryBarrier to_host(vk::AccessFlagBits::eTransferWrite, vk::AccessFlagBits::eHostRead);  // for rgba
    const vk::Offset3D middle(static_cast<int>(frame->width_px / 2), static_cast<int>(frame->height_px / 2), 0);
    const vk::BufferImageCopy copy(0, 0, 0, {vk::ImageAspectFlagBits::eColor, 0, 0, 1}, middle, {1, 1, 1});
    commands.begin(vk::CommandBufferBeginInfo{});
    commands.pipelineBarrier(stage, stage, {}, {}, {}, take);
    commands.copyImageToBuffer(frame->image, vk::ImageLayout::eTransferSrcOptimal, *pixel, copy);
    commands.pipelineBarrier(stage, vk::PipelineStageFlagBits::eHost, {}, to_host, {}, give);
    commands.end();

    // Submit: wait until the producer has drawn the frame, signal when it has been read.
    const vk::Semaphore drawn = frame->wait_semaphore, read = frame->signal_semaphore;
    const vk::PipelineStageFlags wait_stage = stage;
    const vk::TimelineSemaphoreSubmitInfo points(frame->wait_value, frame->signal_value);
    queue.submit(vk::SubmitInfo(drawn, wait_stage, commands, read, &points), *copied);

    consumer.release(*frame);  // the producer may draw into the slot again, after the signal

    if (device.waitForFences(*copied, true, kSecondNs) != vk::Result::eSuccess) return 1;
    device.resetFences(*copied);
    std::printf("frame %llu: %u %u %u\n", static_cast<unsigned long long>(frame->sequence), rgba[0], rgba[1], rgba[2]);
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
