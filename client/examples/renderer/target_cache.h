#pragma once
// What the renderer derives from Ferry's images: framebuffers by (generation, slot), and the buffers of its own that
// every slot of one generation shares.

#include <cstdint>
#include <ferry/ferry.hpp>
#include <map>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"
#include "client/examples/renderer/pipelines.h"

namespace renderer {

class TargetCache {
 public:
  TargetCache(const examples::Gpu& gpu, const ColourTarget& colour, vk::RenderPass pass)
      : gpu_(gpu), colour_(colour), pass_(pass) {}

  vk::Framebuffer framebuffer(const ferry::Target& target);

  /// Drops everything of generations before @p generation. No submitted work may still use it.
  void drop_before(std::uint64_t generation);

 private:
  struct Generation {
    examples::Image depth;
    examples::Image samples;  ///< null with one sample per pixel: the picture itself is drawn into
    std::map<std::uint32_t, vk::UniqueFramebuffer> slots;
  };
  Generation make_generation(vk::Extent2D extent) const;

  examples::Gpu gpu_;
  ColourTarget colour_;
  vk::RenderPass pass_;
  std::map<std::uint64_t, Generation> generations_;
};

}  // namespace renderer
