#include "tests/support/picture_reader.h"

#include <span>

#include "ferry/ferry_vulkan.h"

namespace ferry::test {
namespace {

/// Release points beyond every one that a test gets to.
constexpr std::uint64_t kFarAway = 1'000'000'000;

ImageShape shape_of(const ferry_frame& frame) { return {frame.width_px, frame.height_px, frame.format}; }

/// One barrier for everything: what is read here is read on the host or by the next command.
void memory_barrier(const Gpu& gpu, VkCommandBuffer commands, VkPipelineStageFlags from, VkAccessFlags written,
                    VkPipelineStageFlags to, VkAccessFlags accessed) {
  VkMemoryBarrier barrier{};
  barrier.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  barrier.srcAccessMask = written;
  barrier.dstAccessMask = accessed;
  gpu.CmdPipelineBarrier(commands, from, to, 0, 1, &barrier, 0, nullptr, 0, nullptr);
}

}  // namespace

PictureReader::PictureReader(const Gpu& gpu, Engine engine) : gpu_(gpu), engine_(engine), gate_(gpu), commands_(gpu) {}
PictureReader::~PictureReader() {
  if (gate_awaited_) gate_.open();
}

void PictureReader::fit(std::size_t wanted_bytes) {
  if (pixels_ && pixels_->size_bytes() == wanted_bytes) return;
  program_.reset();
  if (engine_ == Engine::kCpu) {
    pixels_ = std::make_unique<GpuBuffer>(gpu_, wanted_bytes, GpuBuffer::Kind::kReadback);
    return;
  }
  pixels_ = std::make_unique<GpuBuffer>(gpu_, wanted_bytes, GpuBuffer::Kind::kDeviceLocal);
  if (!result_) {
    result_ = std::make_unique<GpuBuffer>(gpu_, sizeof(std::uint32_t), GpuBuffer::Kind::kDeviceLocal);
    readback_ = std::make_unique<GpuBuffer>(gpu_, sizeof(std::uint32_t), GpuBuffer::Kind::kReadback);
  }
  program_ = std::make_unique<PatternProgram>(gpu_, *pixels_, *result_);
}

void PictureReader::record_and_submit(const ferry_frame& frame, const Picture& picture, Part part, bool read,
                                      After after) {
  constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
  const bool first = part == Part::kOnly || part == Part::kFirst;
  const bool last = part == Part::kOnly || part == Part::kLast;
  const ImageShape shape = shape_of(frame);
  const VkCommandBuffer commands = commands_.begin();
  if (first) {
    const VkImageMemoryBarrier take = ferry_acquire_barrier_from(
        frame.peer_queue_family, frame.image, gpu_.queue_family_index(),
        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
    gpu_.CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
  }
  if (read) {
    const ImageCopies copies = whole_image(shape);
    if (engine_ == Engine::kGpu) gpu_.CmdFillBuffer(commands, result_->handle(), 0, VK_WHOLE_SIZE, 0);
    gpu_.CmdCopyImageToBuffer(commands, frame.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, pixels_->handle(),
                              copies.count, copies.regions.data());
    if (engine_ == Engine::kGpu) {
      memory_barrier(gpu_, commands, kTransfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                     VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
      program_->record(commands, PatternProgram::Task::kCompare, picture, shape);
      memory_barrier(gpu_, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT, kTransfer,
                     VK_ACCESS_TRANSFER_READ_BIT);
      const VkBufferCopy four_bytes{0, 0, sizeof(std::uint32_t)};
      gpu_.CmdCopyBuffer(commands, result_->handle(), readback_->handle(), 1, &four_bytes);
    }
    memory_barrier(gpu_, commands, kTransfer, VK_ACCESS_TRANSFER_WRITE_BIT, VK_PIPELINE_STAGE_HOST_BIT,
                   VK_ACCESS_HOST_READ_BIT);
  }
  if (last) {
    const VkImageMemoryBarrier give = ferry_release_barrier_to(
        frame.peer_queue_family, frame.image, gpu_.queue_family_index(),
        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
    gpu_.CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0, nullptr, 1,
                            &give);
  }
  GpuCommands::Points points;
  const bool gated = after == After::kGate;
  const VkSemaphore semaphores[] = {frame.wait_semaphore, gated ? gate_.semaphore() : frame.signal_semaphore};
  const std::uint64_t values[] = {frame.wait_value, gated ? gate_.next_value() : frame.signal_value + kFarAway};
  if (first) {
    const std::size_t count = after == After::kNothing ? 1 : 2;
    points.wait_semaphores = std::span(semaphores).first(count);
    points.wait_values = std::span(values).first(count);
  }
  if (last) {
    points.signal_semaphore = frame.signal_semaphore;
    points.signal_value = frame.signal_value;
  }
  commands_.submit(points);
  gate_awaited_ |= gated;
}

std::uint64_t PictureReader::count_wrong(const ferry_frame& frame, const Picture& picture, Part part) {
  picture_ = picture;
  shape_ = shape_of(frame);
  commands_.wait();
  fit(size_bytes(shape_));
  record_and_submit(frame, picture, part, true);
  return compare();
}

void PictureReader::start(const ferry_frame& frame, const Picture& picture) {
  picture_ = picture;
  shape_ = shape_of(frame);
  commands_.wait();
  fit(size_bytes(shape_));
  record_and_submit(frame, picture, Part::kOnly, true, After::kGate);
}

std::uint64_t PictureReader::finish() {
  gate_.open();
  gate_awaited_ = false;
  return compare();
}

std::uint64_t PictureReader::compare() {
  commands_.wait();
  if (engine_ == Engine::kCpu) return count_wrong_words(pixels_->bytes(), picture_, shape_);
  std::uint32_t wrong = 0;
  std::memcpy(&wrong, readback_->bytes().data(), sizeof wrong);
  return wrong;
}

void PictureReader::hang(const ferry_frame& frame) {
  record_and_submit(frame, {}, Part::kOnly, false, After::kNever);
}
void PictureReader::pass(const ferry_frame& frame) { record_and_submit(frame, {}, Part::kOnly, false); }

}  // namespace ferry::test
