#include "tests/bench/gpu/reader.h"

#include <cstring>
#include <stdexcept>

#include "ferry/ferry_vulkan.h"
#include "platform/clock.h"
#include "tests/bench/gpu/shared_objects.h"

namespace ferry::bench {
namespace {

constexpr std::uint32_t kCheckedWords = 16;
constexpr std::uint64_t kTimeoutNs = 30'000'000'000;
constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;

/// Spread over the image, its first and last word among them.
std::vector<std::uint32_t> spread_words(const test::ImageShape& shape) {
  const auto last = static_cast<std::uint64_t>(test::size_bytes(shape) / 4 - 1);
  std::vector<std::uint32_t> words;
  for (std::uint64_t i = 0; i < kCheckedWords; ++i)
    words.push_back(static_cast<std::uint32_t>(last * i / (kCheckedWords - 1)));
  return words;
}

}  // namespace

struct Reader::Canvas {
  Canvas(const Device& device, const test::Gpu& gpu, std::size_t size_bytes)
      : pixels(gpu, size_bytes, test::GpuBuffer::Kind::kDeviceLocal),
        words(gpu, std::size_t{kCheckedWords} * 4, test::GpuBuffer::Kind::kReadback),
        fence(device.vk().createFenceUnique({})) {}

  test::GpuBuffer pixels, words;
  Image ring_image;
  vk::UniqueFence fence;
  std::optional<Stopwatch> watch;
  std::map<VkImage, vk::UniqueCommandBuffer> commands, ring_commands;
  bool pending = false;
  Canvas *first = nullptr, *last = nullptr;  // of its submission; the last one's fence says that it is complete
  std::int64_t completed_ns = 0;             // the last one's: 0 until that was seen
};

Reader::Reader(const Device& device, const test::ImageShape& shape, ReadOn on, std::uint32_t depth, bool timed)
    : device_(device),
      shape_(shape),
      on_(on),
      gpu_(on == ReadOn::kSecond ? device.second() : device.gpu()),
      checked_words_(spread_words(shape)),
      pool_(device.vk().createCommandPoolUnique({{}, gpu_.queue_family_index()})) {
  if (timed && on == ReadOn::kRing) throw std::logic_error("what two queues do is not timed");
  for (std::uint32_t i = 0; i < depth; ++i) {
    canvases_.push_back(std::make_unique<Canvas>(device, gpu_, test::size_bytes(shape)));
    if (timed) canvases_.back()->watch.emplace(device, gpu_);
  }
  if (on != ReadOn::kRing) return;
  ring_pool_ = device.vk().createCommandPoolUnique({{}, device.second().queue_family_index()});
  ring_copied_ = make_timeline(device, false);
  for (auto& canvas : canvases_) canvas->ring_image = make_local_image(device, shape);
}

Reader::~Reader() {
  for (auto& canvas : canvases_)
    if (canvas->pending && canvas->last == canvas.get() && canvas->completed_ns == 0)
      (void)device_.vk().waitForFences(*canvas->fence, VK_TRUE, kTimeoutNs);
}

vk::UniqueCommandBuffer Reader::allocate(vk::CommandPool pool) const {
  return std::move(device_.vk().allocateCommandBuffersUnique({pool, vk::CommandBufferLevel::ePrimary, 1}).front());
}

void Reader::record_reading(VkCommandBuffer commands, Canvas& canvas, VkImage image) {
  const VkBufferImageCopy copy = whole(shape_);
  gpu_.CmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, canvas.pixels.handle(), 1, &copy);
  const VkMemoryBarrier copied{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                               VK_ACCESS_TRANSFER_READ_BIT};
  gpu_.CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 1, &copied, 0, nullptr, 0, nullptr);
  std::vector<VkBufferCopy> regions;
  for (const std::uint32_t word : checked_words_)
    regions.push_back({VkDeviceSize{word} * 4, regions.size() * VkDeviceSize{4}, 4});
  gpu_.CmdCopyBuffer(commands, canvas.pixels.handle(), canvas.words.handle(),
                     static_cast<std::uint32_t>(regions.size()), regions.data());
  const VkMemoryBarrier seen{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                             VK_ACCESS_HOST_READ_BIT};
  gpu_.CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &seen, 0, nullptr, 0, nullptr);
}

VkCommandBuffer Reader::commands_for(Canvas& canvas, VkImage image, Origin origin) {
  vk::UniqueCommandBuffer& recorded = canvas.commands[image];
  if (recorded) return *recorded;
  recorded = allocate(*pool_);
  recorded->begin(vk::CommandBufferBeginInfo{});
  const std::uint32_t family = gpu_.queue_family_index();
  if (canvas.watch) canvas.watch->begin(*recorded, vk::PipelineStageFlagBits::eTransfer);
  if (origin == Origin::kShared) {
    const VkImageMemoryBarrier take =
        ferry_acquire_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
    gpu_.CmdPipelineBarrier(*recorded, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
  }
  record_reading(*recorded, canvas, image);
  if (origin == Origin::kShared) {
    const VkImageMemoryBarrier give =
        ferry_release_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
    gpu_.CmdPipelineBarrier(*recorded, kTransfer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0, nullptr, 1,
                            &give);
  }
  if (canvas.watch) canvas.watch->end(*recorded);
  recorded->end();
  return *recorded;
}

/// Second queue: shared image -> this canvas's own, which then belongs to the graphics queue's family.
VkCommandBuffer Reader::ring_commands(Canvas& canvas, VkImage image) {
  vk::UniqueCommandBuffer& recorded = canvas.ring_commands[image];
  if (recorded) return *recorded;
  recorded = allocate(*ring_pool_);
  recorded->begin(vk::CommandBufferBeginInfo{});
  const test::Gpu& second = device_.second();
  const std::uint32_t family = second.queue_family_index();
  const VkImageMemoryBarrier before[] = {
      ferry_acquire_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT),
      local_barrier(*canvas.ring_image.image, VK_IMAGE_LAYOUT_UNDEFINED, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                    VK_ACCESS_TRANSFER_WRITE_BIT)};
  second.CmdPipelineBarrier(*recorded, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 2, before);
  const vk::ImageSubresourceLayers colour(vk::ImageAspectFlagBits::eColor, 0, 0, 1);
  const vk::ImageCopy all(colour, {}, colour, {}, {shape_.width_px, shape_.height_px, 1});
  recorded->copyImage(image, vk::ImageLayout::eTransferSrcOptimal, *canvas.ring_image.image,
                      vk::ImageLayout::eTransferDstOptimal, all);
  VkImageMemoryBarrier pass_on = local_barrier(*canvas.ring_image.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                               VK_ACCESS_TRANSFER_WRITE_BIT, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, 0);
  pass_on.srcQueueFamilyIndex = family;
  pass_on.dstQueueFamilyIndex = device_.gpu().queue_family_index();
  const VkImageMemoryBarrier after[] = {
      ferry_release_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT), pass_on};
  second.CmdPipelineBarrier(*recorded, kTransfer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0, nullptr, 2,
                            after);
  recorded->end();

  vk::UniqueCommandBuffer& reading = canvas.commands[image];
  reading = allocate(*pool_);
  reading->begin(vk::CommandBufferBeginInfo{});
  pass_on.srcAccessMask = 0;
  pass_on.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
  gpu_.CmdPipelineBarrier(*reading, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &pass_on);
  record_reading(*reading, canvas, *canvas.ring_image.image);
  reading->end();
  return *recorded;
}

std::size_t Reader::next_reading() {
  const std::size_t reading = next_++ % canvases_.size();
  Canvas& canvas = *canvases_[reading];
  if (canvas.pending) throw std::logic_error("more readings at once than the reader is deep");
  canvas.pending = true;
  if (canvas.watch) canvas.watch->reset();
  return reading;
}

void Reader::submit(const test::Gpu& gpu, std::span<const VkCommandBuffer> commands, const Points& points,
                    VkFence fence) const {
  const VkPipelineStageFlags stage = kTransfer;
  VkTimelineSemaphoreSubmitInfo values{};
  values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  values.waitSemaphoreValueCount = static_cast<std::uint32_t>(points.wait_values.size());
  values.pWaitSemaphoreValues = points.wait_values.data();
  values.signalSemaphoreValueCount = points.signal_semaphore == VK_NULL_HANDLE ? 0 : 1;
  values.pSignalSemaphoreValues = &points.signal_value;
  VkSubmitInfo info{};
  info.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  info.pNext = &values;
  info.waitSemaphoreCount = static_cast<std::uint32_t>(points.wait_semaphores.size());
  info.pWaitSemaphores = points.wait_semaphores.data();
  info.pWaitDstStageMask = &stage;
  info.commandBufferCount = static_cast<std::uint32_t>(commands.size());
  info.pCommandBuffers = commands.data();
  info.signalSemaphoreCount = values.signalSemaphoreValueCount;
  info.pSignalSemaphores = &points.signal_semaphore;
  vk::resultCheck(vk::Result(gpu.QueueSubmit(gpu.queue(), 1, &info, fence)), "vkQueueSubmit");
}

std::size_t Reader::start(VkImage image, Origin origin, const Points& points) {
  if (on_ != ReadOn::kRing) return start_together({&image, 1}, origin, points).front();
  // The shared image goes back as soon as it is copied. One submission signals both timelines.
  const std::size_t reading = next_reading();
  Canvas& canvas = *canvases_[reading];
  canvas.first = canvas.last = &canvas;
  canvas.completed_ns = 0;
  const VkCommandBuffer copying = ring_commands(canvas, image), then = *canvas.commands[image];
  const std::uint64_t value = ++ring_value_;
  const VkSemaphore copied = *ring_copied_;
  submit(device_.second(), {&copying, 1}, points, VK_NULL_HANDLE);
  submit(device_.second(), {}, {{}, {}, copied, value}, VK_NULL_HANDLE);
  submit(gpu_, {&then, 1}, {{&copied, 1}, {&value, 1}, VK_NULL_HANDLE, 0}, *canvas.fence);
  return reading;
}

std::vector<std::size_t> Reader::start_together(std::span<const VkImage> images, Origin origin, const Points& points) {
  std::vector<std::size_t> readings;
  std::vector<VkCommandBuffer> commands;
  for (const VkImage image : images) {
    readings.push_back(next_reading());
    commands.push_back(commands_for(*canvases_[readings.back()], image, origin));
  }
  Canvas& last = *canvases_[readings.back()];
  for (const std::size_t reading : readings) {
    canvases_[reading]->first = canvases_[readings.front()].get();
    canvases_[reading]->last = &last;
  }
  last.completed_ns = 0;
  submit(gpu_, commands, points, *last.fence);
  return readings;
}

Reader::Done Reader::finish(std::size_t reading, std::uint64_t sequence) {
  Canvas& canvas = *canvases_[reading];
  Canvas& last = *canvas.last;
  if (last.completed_ns == 0) {
    if (device_.vk().waitForFences(*last.fence, VK_TRUE, kTimeoutNs) != vk::Result::eSuccess)
      throw std::runtime_error("a reading did not end in 30 s");
    last.completed_ns = platform::now_ns();
    device_.vk().resetFences(*last.fence);
  }
  Done done;
  done.completed_ns = last.completed_ns;
  if (canvas.watch && &canvas == &last) done.span = GpuSpan{canvas.first->watch->read().begin_ns, canvas.watch->read().end_ns};
  canvas.pending = false;
  const test::PatternWords picture({kSeed, sequence}, shape_);
  for (std::size_t i = 0; i < checked_words_.size(); ++i) {
    std::uint32_t seen;
    std::memcpy(&seen, canvas.words.bytes().data() + i * 4, sizeof seen);
    done.wrong_words += seen != picture.word(checked_words_[i]) ? 1 : 0;
  }
  return done;
}

std::uint64_t Reader::count_wrong(std::size_t reading, std::uint64_t sequence) {
  if (!all_) all_ = std::make_unique<test::GpuBuffer>(gpu_, test::size_bytes(shape_), test::GpuBuffer::Kind::kReadback);
  test::GpuCommands commands(gpu_);
  const VkBufferCopy all{0, 0, all_->size_bytes()};
  const VkCommandBuffer recording = commands.begin();
  gpu_.CmdCopyBuffer(recording, canvases_[reading]->pixels.handle(), all_->handle(), 1, &all);
  const VkMemoryBarrier seen{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                             VK_ACCESS_HOST_READ_BIT};
  gpu_.CmdPipelineBarrier(recording, kTransfer, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &seen, 0, nullptr, 0, nullptr);
  commands.submit({});
  commands.wait();
  return test::count_wrong_words(all_->bytes(), {kSeed, sequence}, shape_);
}

}  // namespace ferry::bench
