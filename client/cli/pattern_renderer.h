#pragma once
// Draws the test pattern into a stream's slots: one triangle, straight into the shared image.

#include <array>
#include <cstdint>
#include <vector>

#include "client/cli/gpu.h"

namespace ferry::cli {

/// What differs from frame to frame. The fragment shader's push constants: same order, same sizes.
struct PatternFrame {
  std::uint32_t width_px, height_px;
  std::uint32_t number;
  std::uint32_t time_of_day_ms;
  float sweep;
  std::uint32_t linear_output;
};
static_assert(sizeof(PatternFrame) == 24);

class PatternRenderer {
 public:
  /// For images of @p format. @p gpu must outlive the renderer.
  PatternRenderer(const Gpu& gpu, vk::Format format);
  /// Waits for what was submitted: its images must not go before.
  ~PatternRenderer();
  PatternRenderer(const PatternRenderer&) = delete;
  PatternRenderer& operator=(const PatternRenderer&) = delete;

  /// Submits the work that waits for @p target's semaphores, draws, and signals. Throws without having submitted
  /// anything, or after: then the device is lost.
  void draw(const Target& target, PatternFrame frame);

 private:
  static constexpr std::size_t kFramesInFlight = 2;
  static constexpr std::size_t kMaxSlots = 64;  // ferry_target::slot

  struct InFlight {
    vk::UniqueFence idle;  ///< signalled while no submitted work uses the command buffer
    vk::CommandBuffer commands;
  };

  void create_render_pass();
  void create_pipeline();
  void wait_until_idle();
  vk::Framebuffer framebuffer_for(const Target& target);
  void record(vk::CommandBuffer commands, const Target& target, const PatternFrame& frame);
  void submit(const InFlight& work, const Target& target);

  const Gpu& gpu_;
  vk::Format format_;
  vk::UniqueRenderPass render_pass_;
  vk::UniquePipelineLayout layout_;
  vk::UniquePipeline pipeline_;
  vk::UniqueCommandPool pool_;
  std::array<InFlight, kFramesInFlight> in_flight_;
  std::size_t next_ = 0;
  std::uint64_t generation_ = 0;  ///< of the framebuffers
  std::array<vk::UniqueFramebuffer, kMaxSlots> framebuffers_;
  std::vector<vk::PipelineStageFlags> wait_stages_;
};

}  // namespace ferry::cli
