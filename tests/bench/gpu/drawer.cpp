#include "tests/bench/gpu/drawer.h"

#include <optional>
#include <stdexcept>
#include <utility>

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
  std::optional<Stopwatch> watch;
  std::uint64_t timing = 0;  // last frame of the submission that the watch times; 0: none
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

Drawer::Drawer(const Device& device, const test::ImageShape& shape, std::uint32_t depth, const DrawerOptions& options)
    : device_(device), shape_(shape), options_(options) {
  for (std::uint32_t i = 0; i < depth; ++i) {
    canvases_.push_back(std::make_unique<Canvas>(device.gpu(), test::size_bytes(shape)));
    if (options_.timed) canvases_.back()->watch.emplace(device, device.gpu());
  }
}

Drawer::~Drawer() {
  for (auto& canvas : canvases_) canvas->commands.wait();
}

VkCommandBuffer Drawer::record(std::uint64_t sequence, VkImage image, After after) {
  return record_together(sequence, {&image, 1}, after);
}

VkCommandBuffer Drawer::record_together(std::uint64_t first, std::span<const VkImage> images, After after) {
  if (canvases_.size() % images.size() != 0) throw std::logic_error("not as many frames together as the drawer is deep");
  current_ = canvases_[next_ % canvases_.size()].get();
  finish(*current_);  // those after it that are used here were submitted with it
  const VkCommandBuffer commands = current_->commands.begin();
  if (current_->watch) {
    current_->watch->reset();
    current_->watch->begin(commands, vk::PipelineStageFlagBits::eTopOfPipe);
  }
  for (std::size_t i = 0; i < images.size(); ++i)
    draw(commands, *canvases_[next_++ % canvases_.size()], first + i, images[i], after);
  if (current_->watch) {
    current_->watch->end(commands);
    current_->timing = first + images.size() - 1;
  }
  return commands;
}

void Drawer::finish(Canvas& canvas) {
  canvas.commands.wait();
  if (canvas.timing == 0) return;
  drawn_.push_back({canvas.timing, canvas.watch->read()});
  canvas.timing = 0;
}

std::vector<Drawn> Drawer::drawn() {
  if (!options_.timed) return {};
  for (std::size_t i = 0; i < canvases_.size(); ++i) finish(*canvases_[(next_ + i) % canvases_.size()]);
  return std::exchange(drawn_, {});
}

void Drawer::draw(VkCommandBuffer commands, const Canvas& canvas, std::uint64_t sequence, VkImage image,
                  After after) const {
  constexpr VkPipelineStageFlags kCompute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
  const test::Gpu& gpu = device_.gpu();
  const VkMemoryBarrier again{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_SHADER_WRITE_BIT,
                              VK_ACCESS_SHADER_WRITE_BIT};
  for (std::uint32_t fill = 0; fill < options_.fills; ++fill) {
    if (fill > 0) gpu.CmdPipelineBarrier(commands, kCompute, kCompute, 0, 1, &again, 0, nullptr, 0, nullptr);
    canvas.program.record(commands, test::PatternProgram::Task::kFill, {kSeed, sequence}, shape_);
  }
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
  gpu.CmdCopyBufferToImage(commands, canvas.words.handle(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1, &copy);
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
