#pragma once
// What a producer does to every frame: fills all of it, with the pattern of its number (tests/support/pattern.h).

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tests/bench/gpu/device.h"
#include "tests/bench/gpu/stopwatch.h"
#include "tests/support/pattern.h"
#include "tests/support/pattern_program.h"

namespace ferry::bench {

/// Seed of every picture: both sides know it.
inline constexpr std::uint32_t kSeed = 0xFE221;

/// Timelines that a submission waits for and signals.
struct Points {
  std::span<const VkSemaphore> wait_semaphores{};
  std::span<const std::uint64_t> wait_values{};
  VkSemaphore signal_semaphore = VK_NULL_HANDLE;
  std::uint64_t signal_value = 0;
};

/// What is done with an image that was drawn, before it is submitted.
enum class After : std::uint8_t {
  kHandOver,  ///< the image is shared: to VK_QUEUE_FAMILY_EXTERNAL, in the hand-over layout
  kKeep,      ///< the image is this process's: left in TRANSFER_SRC_OPTIMAL, for what is recorded after it
};

struct DrawerOptions {
  std::uint32_t fills = 1;  ///< how often each picture is computed: for a producer that has more to do
  bool timed = false;       ///< by the GPU's clock
};

/// A submission that is complete.
struct Drawn {
  std::uint64_t sequence = 0;  ///< of its last frame
  GpuSpan span{};
};

class Drawer {
 public:
  Drawer(const Device& device, const test::ImageShape& shape, std::uint32_t depth, const DrawerOptions& options = {});
  ~Drawer();

  /// Waits until one of its canvases is done, and records the drawing of frame @p sequence into @p image. More may be
  /// recorded after it.
  VkCommandBuffer record(std::uint64_t sequence, VkImage image, After after);
  /// As record(), the frames from @p first on into @p images, for one submission: always as many, and the drawer's depth is a
  /// multiple of their number.
  VkCommandBuffer record_together(std::uint64_t first, std::span<const VkImage> images, After after);
  /// Submits what was recorded.
  void submit(const Points& points);
  /// Waits on the host for what was submitted last.
  void wait();
  /// Timed: waits for all that was submitted since the last call, and says how long it took.
  std::vector<Drawn> drawn();

 private:
  struct Canvas;
  void draw(VkCommandBuffer commands, const Canvas& canvas, std::uint64_t sequence, VkImage image, After after) const;
  void finish(Canvas& canvas);
  const Device& device_;
  test::ImageShape shape_;
  const DrawerOptions options_;
  std::vector<std::unique_ptr<Canvas>> canvases_;
  std::size_t next_ = 0;
  Canvas* current_ = nullptr;
  std::vector<Drawn> drawn_;
};

/// The whole of an image, tightly packed in a buffer.
VkBufferImageCopy whole(const test::ImageShape& shape);
/// A barrier for an image that does not leave this queue.
VkImageMemoryBarrier local_barrier(VkImage image, VkImageLayout from, VkAccessFlags before, VkImageLayout to,
                                   VkAccessFlags after);

}  // namespace ferry::bench
