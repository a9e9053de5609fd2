#pragma once
// From scene to stream: begin a slot, draw into it, publish it, two frames deep.

#include <array>
#include <cstdint>
#include <ferry/ferry.hpp>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"
#include "client/examples/renderer/options.h"
#include "client/examples/renderer/scene_renderer.h"
#include "client/examples/renderer/target_cache.h"

namespace renderer {

class Publisher {
 public:
  Publisher(const ferry::Connection& connection, const ferry::Device& device, const Options& options);
  ~Publisher();
  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// Draws and publishes one frame. False when consumers held every slot for a tenth of a second.
  bool publish_frame(double scene_time_s);

  std::uint64_t frames() const { return frames_; }
  ferry::StreamState state() const { return producer_.state(); }

 private:
  static constexpr std::uint32_t kFramesInFlight = 2;

  /// One frame being drawn by the GPU while the CPU prepares the next.
  struct Flight {
    vk::UniqueCommandPool pool;
    vk::CommandBuffer commands;
    vk::UniqueFence done;
    std::uint64_t generation = 0;
  };

  void resize_if_due();
  void record(Flight& flight, const ferry::Target& target, const Scene& scene);
  void submit(Flight& flight, const ferry::Target& target);
  void drop_old_generations();
  ferry::FrameMetadata describe(const Scene& scene, double scene_time_s) const;

  Options options_;
  examples::Gpu gpu_;
  ColourTarget colour_;
  ferry::Producer producer_;  // before what is derived from its images: destroyed after it
  SceneRenderer scene_renderer_;
  TargetCache targets_;
  std::array<Flight, kFramesInFlight> flights_;
  std::vector<vk::PipelineStageFlags> wait_stages_;
  std::uint64_t frames_ = 0;
  std::uint64_t next_resize_ = 0;
};

}  // namespace renderer
