#pragma once
// Draws a Scene. Knows nothing of Ferry: it is handed a framebuffer like any other.

#include <cstdint>
#include <optional>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"
#include "client/examples/renderer/animation.h"
#include "client/examples/renderer/meshes.h"
#include "client/examples/renderer/pipelines.h"

namespace renderer {

struct Picture {
  vk::Framebuffer framebuffer;
  vk::Extent2D extent;
};

class SceneRenderer {
 public:
  SceneRenderer(const examples::Gpu& gpu, const ColourTarget& target, std::uint32_t frames_in_flight);

  vk::RenderPass pass() const { return *scene_pass_; }

  /// The scene's shadows: touches nothing of the picture, and may run before the picture is ours.
  /// @p frame_index: whose uniforms to fill; the GPU must be done with that frame's last use of them.
  void record_shadows(vk::CommandBuffer commands, std::uint32_t frame_index, const Scene& scene, vk::Extent2D extent);
  /// The picture itself, with @p stamp (common/stamp.h) over it.
  void record_picture(vk::CommandBuffer commands, std::uint32_t frame_index, const Scene& scene, const Picture& picture,
                      std::optional<std::uint32_t> stamp) const;

 private:
  struct MeshRange {
    std::uint32_t first_index = 0, index_count = 0;
    std::int32_t vertex_offset = 0;
  };

  void make_layouts();
  void make_geometry();
  void make_shadow_map();
  void make_frame_sets(std::uint32_t frames_in_flight);
  void draw_objects(vk::CommandBuffer commands, const Scene& scene) const;
  void draw_stamp(vk::CommandBuffer commands, vk::Extent2D extent, std::uint32_t counter) const;

  examples::Gpu gpu_;
  vk::UniqueDescriptorSetLayout frame_set_layout_;
  vk::UniquePipelineLayout scene_layout_, stamp_layout_;
  vk::UniqueRenderPass scene_pass_, shadow_pass_;
  Pipelines pipelines_;
  examples::Buffer geometry_;
  vk::DeviceSize index_offset_bytes_ = 0;
  std::vector<MeshRange> meshes_;  ///< by Shape
  examples::Image shadow_map_;
  vk::UniqueFramebuffer shadow_framebuffer_;
  vk::UniqueSampler shadow_sampler_;
  std::vector<examples::Buffer> uniforms_;  ///< one for each frame in flight, as the sets
  vk::UniqueDescriptorPool descriptor_pool_;
  std::vector<vk::DescriptorSet> frame_sets_;
};

}  // namespace renderer
