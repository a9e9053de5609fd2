#pragma once
// Draws a frame into a part of the window, in the window's colours: the shared image itself is sampled.

#include <cstdint>
#include <ferry/ferry.hpp>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

namespace viewer {

/// What a frame looks like once crop and orientation have been applied.
vk::Extent2D displayed_size(const ferry::Frame& frame);

class FramePainter {
 public:
  /// @p flights: how many command buffers that draw may be in flight at once.
  FramePainter(const examples::Gpu& gpu, vk::RenderPass pass, std::uint32_t flights);

  /// Within the pass: @p frame over the whole of @p area, as far as @p visible shows it. The image must be in
  /// SHADER_READ_ONLY_OPTIMAL, and the GPU be done with what @p flight drew last.
  void draw(vk::CommandBuffer commands, std::uint32_t flight, const ferry::Frame& frame, vk::Rect2D area,
            vk::Rect2D visible) const;

 private:
  void make_pipeline(vk::RenderPass pass);

  examples::Gpu gpu_;
  vk::UniqueSampler sampler_;
  vk::UniqueDescriptorSetLayout set_layout_;
  vk::UniquePipelineLayout layout_;
  vk::UniquePipeline pipeline_;
  vk::UniqueDescriptorPool pool_;
  std::vector<vk::DescriptorSet> sets_;
};

}  // namespace viewer
