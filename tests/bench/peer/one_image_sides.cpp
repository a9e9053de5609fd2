#include "tests/bench/peer/one_image_sides.h"

#include <mutex>

#include "ferry/ferry_vulkan.h"
#include "tests/bench/gpu/shared_objects.h"
#include "tests/bench/peer/meeting.h"

namespace ferry::bench {
namespace {

constexpr VkPipelineStageFlags kTransfer = VK_PIPELINE_STAGE_TRANSFER_BIT;

void copy_image(VkCommandBuffer commands, VkImage from, VkImage to, const test::ImageShape& shape) {
  const vk::ImageSubresourceLayers colour(vk::ImageAspectFlagBits::eColor, 0, 0, 1);
  vk::CommandBuffer(commands).copyImage(from, vk::ImageLayout::eTransferSrcOptimal, to,
                                        vk::ImageLayout::eTransferDstOptimal,
                                        vk::ImageCopy(colour, {}, colour, {}, {shape.width_px, shape.height_px, 1}));
}

class OneImageProducer final : public ProducerSide {
 public:
  OneImageProducer(const Device& device, const PairOptions& options, const std::string& meet, SharedMemory& board)
      : locks_(options.rival == "lock"),
        device_(device),
        shape_(options.shape),
        board_(board_of(board)),
        own_(make_local_image(device, shape_)),
        shared_(make_shared_image(device, shape_)),
        drawer_(device, shape_, options.depth) {
    const platform::UniqueFd image = export_image(device, shared_);
    const int fds[] = {board.fd().get(), image.get()};
    bring_descriptors(meet, fds);
  }

  std::int64_t produce(std::uint64_t sequence) override {
    const VkCommandBuffer commands = drawer_.record(sequence, *own_.image, After::kKeep);
    record_copy(commands);
    const std::int64_t submitted_ns = platform::now_ns();
    if (locks_) board_.lock.lock();
    drawer_.submit({});
    if (locks_) {
      drawer_.wait();
      board_.lock.unlock();
    }
    board_.published.reach(sequence);
    return submitted_ns;
  }

 private:
  void record_copy(VkCommandBuffer commands) {
    const std::uint32_t family = device_.gpu().queue_family_index();
    const VkImage image = *shared_.image;
    const VkImageMemoryBarrier take =
        ferry_acquire_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    device_.gpu().CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 1, &take);
    copy_image(commands, *own_.image, image, shape_);
    const VkImageMemoryBarrier give =
        ferry_release_barrier(image, family, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT);
    device_.gpu().CmdPipelineBarrier(commands, kTransfer, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr, 0,
                                     nullptr, 1, &give);
  }

  const bool locks_;
  const Device& device_;
  const test::ImageShape shape_;
  Board& board_;
  Image own_, shared_;
  Drawer drawer_;
};

class OneImageConsumer final : public ConsumerSide {
 public:
  OneImageConsumer(const Device& device, const PairOptions& options, std::vector<platform::UniqueFd> fds,
                   SharedMemory& board)
      : locks_(options.rival == "lock"),
        device_(device),
        shape_(options.shape),
        board_(board_of(board)),
        own_(make_local_image(device, shape_)),
        shared_(import_image(device, shape_, std::move(fds.at(1)))),
        commands_(device.gpu()),
        reader_(device, shape_, ReadOn::kGraphics, options.depth + 1) {}

  std::optional<Taken> take(std::int64_t timeout_ns) override {
    if (!board_.published.wait(last_ + 1, platform::now_ns() + timeout_ns)) return std::nullopt;
    last_ = board_.published.value.load();
    if (!locks_) return Taken{last_, reader_.start(*shared_.image, Origin::kShared, {})};
    board_.lock.lock();
    record_copy(commands_.begin());
    commands_.submit({});
    commands_.wait();
    board_.lock.unlock();
    return Taken{last_, reader_.start(*own_.image, Origin::kOwn, {})};
  }
  Reader& reader() override { return reader_; }

 private:
  void record_copy(VkCommandBuffer commands) {
    const std::uint32_t family = device_.gpu().queue_family_index();
    const VkImageMemoryBarrier take[] = {
        ferry_acquire_barrier(*shared_.image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                              VK_ACCESS_TRANSFER_READ_BIT),
        local_barrier(*own_.image, VK_IMAGE_LAYOUT_UNDEFINED, 0, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                      VK_ACCESS_TRANSFER_WRITE_BIT)};
    device_.gpu().CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 2, take);
    copy_image(commands, *shared_.image, *own_.image, shape_);
    const VkImageMemoryBarrier give[] = {
        ferry_release_barrier(*shared_.image, family, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL,
                              VK_ACCESS_TRANSFER_READ_BIT),
        local_barrier(*own_.image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
                      VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT)};
    device_.gpu().CmdPipelineBarrier(commands, kTransfer, kTransfer, 0, 0, nullptr, 0, nullptr, 2, give);
  }

  const bool locks_;
  const Device& device_;
  const test::ImageShape shape_;
  Board& board_;
  Image own_, shared_;
  std::uint64_t last_ = 0;
  test::GpuCommands commands_;
  Reader reader_;
};

}  // namespace

std::unique_ptr<ProducerSide> make_one_image_producer(const Device& device, const PairOptions& options,
                                                      const std::string& meet, SharedMemory& board) {
  return std::make_unique<OneImageProducer>(device, options, meet, board);
}

std::unique_ptr<ConsumerSide> make_one_image_consumer(const Device& device, const PairOptions& options,
                                                      const std::string& meet, SharedMemory& board) {
  auto fds = MeetingPoint(meet).wait_for_descriptors();
  board = SharedMemory::map(std::move(fds.at(0)), sizeof(Board));
  return std::make_unique<OneImageConsumer>(device, options, std::move(fds), board);
}

}  // namespace ferry::bench
