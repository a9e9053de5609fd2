#pragma once
// A frame's pixels in host memory.

#include "client/cli/gpu.h"
#include "client/cli/pixels.h"

namespace ferry::cli {

class FrameReadback {
 public:
  /// Copies the whole image of @p frame on the GPU and gives it back to @p consumer. Throws CommandError (timed out)
  /// when the pixels have not come by @p deadline_ns (CLOCK_MONOTONIC). @p gpu must outlive this.
  FrameReadback(const Gpu& gpu, Consumer& consumer, const Frame& frame, std::int64_t deadline_ns);
  ~FrameReadback();
  FrameReadback(const FrameReadback&) = delete;
  FrameReadback& operator=(const FrameReadback&) = delete;

  /// Valid as long as this object.
  PixelView pixels() const { return pixels_; }

 private:
  void allocate(vk::DeviceSize size_bytes);
  void submit(vk::CommandBuffer commands, const Frame& frame);

  const Gpu& gpu_;
  vk::UniqueDeviceMemory memory_;
  vk::UniqueBuffer buffer_;
  vk::UniqueCommandPool pool_;
  vk::UniqueFence done_;
  PixelView pixels_;
};

}  // namespace ferry::cli
