#pragma once
// What a consumer does with every frame: reads all of it, and looks whether it is the frame it was said to be.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "tests/bench/gpu/drawer.h"

namespace ferry::bench {

/// Which engine of the GPU reads.
enum class ReadOn : std::uint8_t {
  kGraphics,
  kSecond,  ///< the device's second queue
  kRing,    ///< the second queue copies into an image of this process's, the graphics queue reads that
};

enum class Origin : std::uint8_t {
  kShared,  ///< handed over: owned by VK_QUEUE_FAMILY_EXTERNAL, in the hand-over layout
  kOwn,     ///< this process's, in TRANSFER_SRC_OPTIMAL
};

class Reader {
 public:
  /// @p depth: readings that may be under way at once.
  /// @p timed: by the GPU's clock.
  Reader(const Device& device, const test::ImageShape& shape, ReadOn on, std::uint32_t depth, bool timed = false);
  ~Reader();

  /// Submits the reading of @p image; returns what finish() wants. The commands of an image are recorded once.
  std::size_t start(VkImage image, Origin origin, const Points& points);
  /// As start(), several images in one submission, whose completion is that of every reading among them. Not for kRing.
  std::vector<std::size_t> start_together(std::span<const VkImage> images, Origin origin, const Points& points);
  struct Done {
    std::int64_t completed_ns = 0;
    std::uint32_t wrong_words = 0;  ///< of those spread over the image that every reading compares
    /// Timed: of the whole submission, with its last reading.
    std::optional<GpuSpan> span{};
  };
  /// Waits on the host until the reading is complete.
  Done finish(std::size_t reading, std::uint64_t sequence);
  /// After finish(): compares every word.
  std::uint64_t count_wrong(std::size_t reading, std::uint64_t sequence);

 private:
  struct Canvas;
  VkCommandBuffer commands_for(Canvas& canvas, VkImage image, Origin origin);
  VkCommandBuffer ring_commands(Canvas& canvas, VkImage image);
  void record_reading(VkCommandBuffer commands, Canvas& canvas, VkImage image);
  vk::UniqueCommandBuffer allocate(vk::CommandPool pool) const;
  std::size_t next_reading();
  void submit(const test::Gpu& gpu, std::span<const VkCommandBuffer> commands, const Points& points, VkFence fence) const;

  const Device& device_;
  const test::ImageShape shape_;
  const ReadOn on_;
  const test::Gpu& gpu_;  ///< of the queue that reads
  std::vector<std::uint32_t> checked_words_;
  vk::UniqueCommandPool pool_, ring_pool_;
  vk::UniqueSemaphore ring_copied_;
  std::uint64_t ring_value_ = 0;
  std::vector<std::unique_ptr<Canvas>> canvases_;
  std::size_t next_ = 0;
  std::unique_ptr<test::GpuBuffer> all_;
};

}  // namespace ferry::bench
