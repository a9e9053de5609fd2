#include "tests/support/picture_writer.h"

#include <utility>
#include <vector>

#include "ferry/ferry_vulkan.h"

namespace ferry::test {
namespace {

/// Points beyond every one that a test gets to.
constexpr std::uint64_t kFarAway = 1'000'000'000;

void buffer_barrier(const Gpu& gpu, VkCommandBuffer commands, VkBuffer buffer, VkPipelineStageFlags from,
                    VkAccessFlags written, VkPipelineStageFlags to, VkAccessFlags read) {
  VkBufferMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_BUFFER_MEMORY_BARRIER;
  barrier.srcAccessMask = written;
  barrier.dstAccessMask = read;
  barrier.srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED;
  barrier.buffer = buffer;
  barrier.size = VK_WHOLE_SIZE;
  gpu.CmdPipelineBarrier(commands, from, to, 0, 0, nullptr, 1, &barrier, 0, nullptr);
}

}  // namespace

/// A picture on its way into a slot: reused as soon as its last submission is done.
struct PictureWriter::Canvas {
  explicit Canvas(const Gpu& gpu) : commands(gpu) {}

  void fit(const Gpu& gpu, Engine engine, std::size_t wanted_bytes) {
    if (buffer && buffer->size_bytes() == wanted_bytes) return;
    program.reset();
    const bool on_gpu = engine == Engine::kGpu;
    buffer = std::make_unique<GpuBuffer>(gpu, wanted_bytes,
                                         on_gpu ? GpuBuffer::Kind::kDeviceLocal : GpuBuffer::Kind::kUpload);
    if (!on_gpu) return;
    if (!result) result = std::make_unique<GpuBuffer>(gpu, sizeof(std::uint32_t), GpuBuffer::Kind::kDeviceLocal);
    program = std::make_unique<PatternProgram>(gpu, *buffer, *result);
  }

  std::unique_ptr<GpuBuffer> buffer, result;
  std::unique_ptr<PatternProgram> program;
  GpuCommands commands;  // last: waits for what uses the others
};

ImageCopies whole_image(const ImageShape& shape) {
  const proto::FormatInfo& format = format_of(shape);
  ImageCopies copies;
  VkDeviceSize offset_bytes = 0;
  for (std::uint32_t i = 0; i < format.plane_count; ++i) {
    const std::uint32_t divisor = format.planes[i].divisor;
    VkImageAspectFlags aspect = VK_IMAGE_ASPECT_COLOR_BIT;
    if (format.is_yuv()) aspect = VkImageAspectFlags{VK_IMAGE_ASPECT_PLANE_0_BIT} << i;
    VkBufferImageCopy& copy = copies.regions[copies.count++];
    copy.bufferOffset = offset_bytes;
    copy.imageSubresource = {aspect, 0, 0, 1};
    copy.imageExtent = {shape.width_px / divisor, shape.height_px / divisor, 1};
    offset_bytes += format.row_bytes(i, shape.width_px) * format.rows(i, shape.height_px);
  }
  return copies;
}

PictureWriter::PictureWriter(const Gpu& gpu, Engine engine, std::uint32_t depth) : gpu_(gpu), engine_(engine), gate_(gpu) {
  for (std::uint32_t i = 0; i < depth; ++i) canvases_.push_back(std::make_unique<Canvas>(gpu));
}

PictureWriter::~PictureWriter() { open_gate(); }

void PictureWriter::draw(const ferry_target& target, const Picture& picture, Ends ends) {
  const ImageShape shape{target.width_px, target.height_px, target.format};
  Canvas& canvas = *canvases_[next_++ % canvases_.size()];
  canvas.commands.wait();
  canvas.fit(gpu_, engine_, size_bytes(shape));
  const VkCommandBuffer commands = canvas.commands.begin();

  if (engine_ == Engine::kCpu) {
    fill_pattern(canvas.buffer->bytes(), picture, shape);
  } else {
    canvas.program->record(commands, PatternProgram::Task::kFill, picture, shape);
    buffer_barrier(gpu_, commands, canvas.buffer->handle(), VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                   VK_ACCESS_SHADER_WRITE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
  }
  const VkImageMemoryBarrier take = ferry_acquire_barrier_from(
      target.peer_queue_family, target.image, gpu_.queue_family_index(),
      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
  gpu_.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                          nullptr, 1, &take);
  const ImageCopies copies = whole_image(shape);
  gpu_.CmdCopyBufferToImage(commands, canvas.buffer->handle(), target.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                            copies.count, copies.regions.data());
  const VkImageMemoryBarrier give = ferry_release_barrier_to(
      target.peer_queue_family, target.image, gpu_.queue_family_index(),
      VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
  gpu_.CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr,
                          0, nullptr, 1, &give);
  std::vector<VkSemaphore> semaphores(target.wait_semaphores, target.wait_semaphores + target.wait_count);
  std::vector<std::uint64_t> values(target.wait_values, target.wait_values + target.wait_count);
  if (ends == Ends::kWhenOpened) {
    semaphores.push_back(gate_.semaphore());
    values.push_back(gate_.next_value());
    gate_awaited_ = true;
  }
  if (ends == Ends::kNever) {
    semaphores.push_back(target.signal_semaphore);
    values.push_back(target.signal_value + kFarAway);
  }
  canvas.commands.submit({.wait_semaphores = semaphores,
                          .wait_values = values,
                          .signal_semaphore = target.signal_semaphore,
                          .signal_value = target.signal_value});
}

void PictureWriter::open_gate() {
  if (std::exchange(gate_awaited_, false)) gate_.open();
}

void PictureWriter::wait() {
  for (auto& canvas : canvases_) canvas->commands.wait();
}

}  // namespace ferry::test
