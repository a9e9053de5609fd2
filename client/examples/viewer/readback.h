#pragma once
// A frame's pixels for the CPU. What Ferry exists to avoid, and what a test without a display needs.

#include <cstdint>
#include <ferry/ferry.hpp>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"
#include "client/examples/common/rgba8_picture.h"

namespace viewer {

class Readback {
 public:
  explicit Readback(const examples::Gpu& gpu);

  /// Copies @p frame's picture and gives the frame back to @p consumer. The result is valid until the next call.
  examples::Rgba8Picture read(ferry::Consumer& consumer, const ferry::Frame& frame);

 private:
  void record(const ferry::Frame& frame) const;
  void submit(const ferry::Frame& frame) const;

  examples::Gpu gpu_;
  vk::UniqueCommandPool pool_;
  vk::CommandBuffer commands_;
  vk::UniqueFence done_;
  examples::Buffer pixels_;
  vk::DeviceSize capacity_bytes_ = 0;
  std::vector<std::uint8_t> rgba8_;
};

}  // namespace viewer
