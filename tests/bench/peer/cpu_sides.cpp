#include "tests/bench/peer/cpu_sides.h"

#include <cstring>
#include <stdexcept>

#include "ferry/ferry_vulkan.h"
#include "tests/bench/gpu/shared_objects.h"
#include "tests/bench/peer/meeting.h"

namespace ferry::bench {
namespace {

constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;
constexpr std::uint64_t kBands = 8;
constexpr std::uint64_t kSharedFrames = 2;

struct Band {
  std::size_t offset_bytes, size_bytes;
  VkBufferImageCopy copy;
};

Band band_of(const test::ImageShape& shape, std::uint64_t index) {
  const auto row = [&](std::uint64_t i) { return static_cast<std::uint32_t>(shape.height_px * i / kBands); };
  const std::size_t row_bytes = std::size_t{shape.width_px} * 4;
  Band band{row(index) * row_bytes, (row(index + 1) - row(index)) * row_bytes, whole(shape)};
  band.copy.bufferOffset = band.offset_bytes;
  band.copy.imageOffset.y = static_cast<std::int32_t>(row(index));
  band.copy.imageExtent.height = row(index + 1) - row(index);
  return band;
}

/// An image, a buffer of its size that is mapped for good, and the commands that bring the bands across.
struct Stage {
  Image image;
  std::unique_ptr<test::GpuBuffer> buffer;
  std::vector<vk::UniqueCommandBuffer> bands;
};

std::vector<Stage> make_stages(const Device& device, const PairOptions& options, vk::CommandPool pool,
                               test::GpuBuffer::Kind kind) {
  std::vector<Stage> stages(options.depth);
  for (Stage& stage : stages) {
    stage.image = make_local_image(device, options.shape);
    stage.buffer = std::make_unique<test::GpuBuffer>(device.gpu(), test::size_bytes(options.shape), kind);
    stage.bands = device.vk().allocateCommandBuffersUnique(
        {pool, vk::CommandBufferLevel::ePrimary, static_cast<std::uint32_t>(kBands)});
  }
  return stages;
}

class CpuProducer final : public ProducerSide {
 public:
  CpuProducer(const Device& device, const PairOptions& options, const std::string& meet, SharedMemory& board)
      : device_(device),
        shape_(options.shape),
        lag_(options.depth > 1 && options.mode == "every" ? 1 : 0),
        board_(board_of(board)),
        frames_(SharedMemory::create(test::size_bytes(options.shape) * kSharedFrames)),
        copied_(make_timeline(device, false)),
        pool_(device.vk().createCommandPoolUnique({{}, device.gpu().queue_family_index()})),
        stages_(make_stages(device, options, *pool_, test::GpuBuffer::Kind::kReadback)),
        drawer_(device, options.shape, options.depth) {
    for (Stage& stage : stages_)
      for (std::uint64_t i = 0; i < kBands; ++i) {
        const VkCommandBuffer commands = *stage.bands[i];
        const Band band = band_of(shape_, i);
        stage.bands[i]->begin(vk::CommandBufferBeginInfo{});
        device.gpu().CmdCopyImageToBuffer(commands, *stage.image.image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                                          stage.buffer->handle(), 1, &band.copy);
        const VkMemoryBarrier seen{VK_STRUCTURE_TYPE_MEMORY_BARRIER, nullptr, VK_ACCESS_TRANSFER_WRITE_BIT,
                                   VK_ACCESS_HOST_READ_BIT};
        device.gpu().CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &seen, 0, nullptr, 0,
                                        nullptr);
        stage.bands[i]->end();
      }
    const int fds[] = {board.fd().get(), frames_.fd().get()};
    bring_descriptors(meet, fds);
  }
  ~CpuProducer() override { device_.vk().waitIdle(); }

  /// When frames do not go in lock-step the copies of one overlap with the drawing of the next.
  std::int64_t produce(std::uint64_t sequence) override {
    Stage& stage = stages_[sequence % stages_.size()];
    drawer_.record(sequence, *stage.image.image, After::kKeep);
    const std::int64_t submitted_ns = platform::now_ns();
    drawer_.submit({});
    submit_bands(stage, sequence);
    if (sequence > lag_) copy_out(sequence - lag_);
    return submitted_ns;
  }
  void flush(std::uint64_t last) override {
    if (lag_ != 0) copy_out(last);
  }

 private:
  void submit_bands(Stage& stage, std::uint64_t sequence) {
    std::array<std::uint64_t, kBands> values{};
    std::array<vk::TimelineSemaphoreSubmitInfo, kBands> points;
    std::vector<vk::SubmitInfo> submits;
    for (std::uint64_t i = 0; i < kBands; ++i) {
      values[i] = (sequence - 1) * kBands + i + 1;
      points[i].setSignalSemaphoreValues(values[i]);
      submits.emplace_back(0u, nullptr, nullptr, 1u, &*stage.bands[i], 1u, &*copied_, &points[i]);
    }
    vk::Queue(device_.gpu().queue()).submit(submits);
  }
  void copy_out(std::uint64_t sequence) {
    Stage& stage = stages_[sequence % stages_.size()];
    if (sequence > kSharedFrames && !board_.taken.wait(sequence - kSharedFrames, platform::now_ns() + kPatienceNs))
      throw std::runtime_error("the consumer has stopped");
    std::byte* frame = frames_.data() + test::size_bytes(shape_) * (sequence % kSharedFrames);
    for (std::uint64_t i = 0; i < kBands; ++i) {
      const std::uint64_t value = (sequence - 1) * kBands + i + 1;
      if (device_.vk().waitSemaphores({{}, *copied_, value}, static_cast<std::uint64_t>(kPatienceNs)) !=
          vk::Result::eSuccess)
        throw std::runtime_error("a band did not come");
      const Band band = band_of(shape_, i);
      std::memcpy(frame + band.offset_bytes, stage.buffer->bytes().data() + band.offset_bytes, band.size_bytes);
      board_.bands.reach(value);
    }
  }

  const Device& device_;
  const test::ImageShape shape_;
  const std::uint64_t lag_;
  Board& board_;
  SharedMemory frames_;
  vk::UniqueSemaphore copied_;
  vk::UniqueCommandPool pool_;
  std::vector<Stage> stages_;
  Drawer drawer_;
};

class CpuConsumer final : public ConsumerSide {
 public:
  CpuConsumer(const Device& device, const PairOptions& options, std::vector<platform::UniqueFd> fds,
              SharedMemory& board)
      : device_(device),
        shape_(options.shape),
        board_(board_of(board)),
        frames_(SharedMemory::map(std::move(fds.at(1)), test::size_bytes(options.shape) * kSharedFrames)),
        pool_(device.vk().createCommandPoolUnique({{}, device.gpu().queue_family_index()})),
        stages_(make_stages(device, options, *pool_, test::GpuBuffer::Kind::kUpload)),
        reader_(device, options.shape, ReadOn::kGraphics, options.depth) {
    for (Stage& stage : stages_)
      for (std::uint64_t i = 0; i < kBands; ++i) record(stage, i);
  }
  ~CpuConsumer() override { device_.vk().waitIdle(); }

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    if (!board_.bands.wait((next_ - 1) * kBands + 1, platform::now_ns() + timeout_ns)) return std::nullopt;
    Stage& stage = stages_[next_ % stages_.size()];
    const std::byte* frame = frames_.data() + test::size_bytes(shape_) * (next_ % kSharedFrames);
    for (std::uint64_t i = 0; i < kBands; ++i) {
      if (!board_.bands.wait((next_ - 1) * kBands + i + 1, platform::now_ns() + kPatienceNs))
        throw std::runtime_error("a band did not come");
      const Band band = band_of(shape_, i);
      std::memcpy(stage.buffer->bytes().data() + band.offset_bytes, frame + band.offset_bytes, band.size_bytes);
      vk::Queue(device_.gpu().queue()).submit(vk::SubmitInfo(0u, nullptr, nullptr, 1u, &*stage.bands[i]));
    }
    const Taken taken{next_, reader_.start(*stage.image.image, Origin::kOwn, {})};
    board_.taken.reach(next_++);
    return taken;
  }
  Reader& reader() override { return reader_; }

 private:
  void record(Stage& stage, std::uint64_t index) {
    const Band band = band_of(shape_, index);
    const VkCommandBuffer commands = *stage.bands[index];
    const VkImage image = *stage.image.image;
    stage.bands[index]->begin(vk::CommandBufferBeginInfo{});
    if (index == 0) {
      const VkImageMemoryBarrier take = local_barrier(
          image, VK_IMAGE_LAYOUT_UNDEFINED, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
      device_.gpu().CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
    }
    device_.gpu().CmdCopyBufferToImage(commands, stage.buffer->handle(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 1,
                                       &band.copy);
    if (index + 1 == kBands) {
      const VkImageMemoryBarrier ready =
          local_barrier(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
                        VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT);
      device_.gpu().CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &ready);
    }
    stage.bands[index]->end();
  }

  const Device& device_;
  const test::ImageShape shape_;
  Board& board_;
  SharedMemory frames_;
  vk::UniqueCommandPool pool_;
  std::vector<Stage> stages_;
  std::uint64_t next_ = 1;
  Reader reader_;
};

}  // namespace

std::unique_ptr<ProducerSide> make_cpu_producer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board) {
  return std::make_unique<CpuProducer>(device, options, meet, board);
}

std::unique_ptr<ConsumerSide> make_cpu_consumer(const Device& device, const PairOptions& options,
                                                const std::string& meet, SharedMemory& board) {
  auto fds = MeetingPoint(meet).wait_for_descriptors();
  board = SharedMemory::map(std::move(fds.at(0)), sizeof(Board));
  return std::make_unique<CpuConsumer>(device, options, std::move(fds), board);
}

}  // namespace ferry::bench
