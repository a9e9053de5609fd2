#pragma once
// Draws pictures (pattern.h) into a producer's targets: every pixel, every frame.

#include <array>
#include <memory>
#include <vector>

#include "tests/support/gpu.h"
#include "tests/support/gpu_gate.h"
#include "tests/support/pattern.h"
#include "tests/support/pattern_program.h"

namespace ferry::test {

/// Where pictures are made and compared. The processor needs nothing of the driver but copies; the GPU keeps up with
/// frames that the bus would slow down.
enum class Engine : std::uint8_t { kCpu, kGpu };

class PictureWriter {
 public:
  /// @p depth: targets that are drawn at once.
  PictureWriter(const Gpu& gpu, Engine engine, std::uint32_t depth = 3);
  ~PictureWriter();

  /// kWhenOpened: the GPU waits for open_gate(). kNever: for what nobody will signal.
  enum class Ends : std::uint8_t { kSoon, kWhenOpened, kNever };
  /// Submits the drawing of @p picture; the submission waits and signals as @p target says. Returns before it is done.
  void draw(const ferry_target& target, const Picture& picture, Ends ends = Ends::kSoon);
  void open_gate();
  /// Waits for all that was submitted.
  void wait();

 private:
  struct Canvas;

  const Gpu& gpu_;
  Engine engine_;
  GpuGate gate_;
  bool gate_awaited_ = false;
  std::vector<std::unique_ptr<Canvas>> canvases_;
  std::size_t next_ = 0;
};

/// Copies between a tightly packed buffer and the whole of an image: one for each plane.
struct ImageCopies {
  std::array<VkBufferImageCopy, proto::kMaxFormatPlanes> regions{};
  std::uint32_t count = 0;
};
ImageCopies whole_image(const ImageShape& shape);

}  // namespace ferry::test
