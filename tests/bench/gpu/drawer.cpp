#include "tests/bench/gpu/drawer.h"

#include "ferry/ferry_vulkan.h"

namespace ferry::bench {

struct Drawer::Canvas {
  Canvas(const test::Gpu& gpu, std::size_t size_bytes)
      : words(gpu, size_bytes, test::GpuBuffer::Kind::kDeviceLocal),
        result(gpu, sizeof(std::uint32_t), test::GpuBuffer::Kind::kDeviceLocal),
        program(gpu, words, result),
        commands(gpu) {}
  test::GpuBuffer words, result;
  test::PatternProgram program;
  test::GpuCommands commands;  // last: waits for what uses the others
};

VkBufferImageCopy whole(const test::ImageShape& shape) {
  VkBufferImageCopy copy{};
  copy.imageSubresource = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1};
  copy.imageExtent = {shape.width_px, shape.height_px, 1};
  return copy;
}

VkImageMemoryBarrier local_barrier(VkImage image, VkImageLayout from, VkAccessFlags before, VkImageLayout to,
                                   VkAccessFlags after) {
  VkImageMemoryBarrier barrier = ferry_acquire_barrier(image, VK_QUEUE_FAMILY_IGNORED, to, after);
  barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.oldLayout = from;
  barrier.srcAccessMask = before;
  return barrier;
}

Drawer::Drawer(const Device& device, const test::ImageShape& shape, std::uint32_t depth)
    : device_(device), shape_(shape) {
  for (std::uint32_t i = 0; i < depth; ++i)
    canvases_.push_back(std::make_unique<Canvas>(device.gpu(), test::size_bytes(shape)));
}

Drawer::~Drawer() {
  for (auto& canvas : canvases_) canvas->commands.wait();
}

VkCommandBuffer Drawer::record(std::uint64_t sequence, VkImage image, After after) {
  constexpr VkPipelineStageFlags kCompute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
  const test::Gpu& gpu = device_.gpu();
  current_ = canvases_[next_++ % canvases_.size()].get();
  current_->commands.wait();
  const VkCommandBuffer commands = current_->commands.begin();

  current_->program.record(commands, test::PatternProgram::Task::kFill, {kSeed, sequence}, shape_);
  VkMemoryBarrier filled{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT,
                         VK_ACCESS_TRANSFER_READ_BIT};
  // Whatever the image held is overwritten, so nothing of it has to be kept.
  const bool shared = after == After::kHandOver;
  VkImageMemoryBarrier take =
      shared ? ferry_acquire_barrier(image, gpu.queue_family_index(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                     VK_ACCESS_TRANSFER_WRITE_BIT)
             : local_barrier(image, VK_IMAGE_LAYOUT_UNDEFINED, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                             VK_ACCESS_TRANSFER_WRITE_BIT);
  gpu.CmdPipelineBarrier(commands, kCompute | kTransfer, kTransfer, 0, 1, &filled, 0, nullptr, 1, &take);
  const VkBufferImageCopy copy = whole(shape_);
  gpu.CmdCopyBufferToImage(commands, current_->words.handle(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
  if (shared) {
    const VkImageMemoryBarrier give = ferry_release_barrier(
        image, gpu.queue_family_index(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    gpu.CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0, nullptr, 1,
                           &give);
  } else {
    const VkImageMemoryBarrier drawn =
        local_barrier(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
                      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
    gpu.CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &drawn);
  }
  return commands;
}

void Drawer::submit(const Points& points) {
  // The image's first use is the copy; the pattern may be computed while others still read.
  current_->commands.submit({.wait_semaphores = points.wait_semaphores,
                             .wait_values = points.wait_values,
                             .wait_stage = VK_PIPELINE_STAGE_TRANSFER_BIT,
                             .signal_semaphore = points.signal_semaphore,
                             .signal_value = points.signal_value});
}

void Drawer::wait() { current_->commands.wait(); }

}  // namespace ferry::bench
