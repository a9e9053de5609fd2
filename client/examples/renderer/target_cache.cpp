#include "client/examples/renderer/target_cache.h"

#include <vector>

namespace renderer {

vk::Framebuffer TargetCache::framebuffer(const ferry::Target& target) {
  const vk::Extent2D extent(target.width_px, target.height_px);
  auto found = generations_.find(target.generation);
  if (found == generations_.end()) found = generations_.emplace(target.generation, make_generation(extent)).first;
  Generation& generation = found->second;

  vk::UniqueFramebuffer& framebuffer = generation.slots[target.slot];
  if (!framebuffer) {
    std::vector<vk::ImageView> views{vk::ImageView(target.view), *generation.depth.view};
    if (generation.samples.view) {
      views.push_back(views.front());
      views.front() = *generation.samples.view;
    }
    framebuffer = gpu_.device.createFramebufferUnique({{}, pass_, views, extent.width, extent.height, 1});
  }
  return *framebuffer;
}

void TargetCache::drop_before(std::uint64_t generation) {
  generations_.erase(generations_.begin(), generations_.lower_bound(generation));
}

TargetCache::Generation TargetCache::make_generation(vk::Extent2D extent) const {
  Generation generation;
  generation.depth = examples::make_image(gpu_, {.format = kDepthFormat,
                                                 .extent = extent,
                                                 .usage = vk::ImageUsageFlagBits::eDepthStencilAttachment,
                                                 .aspect = vk::ImageAspectFlagBits::eDepth,
                                                 .samples = colour_.samples});
  if (colour_.samples != vk::SampleCountFlagBits::e1)
    generation.samples = examples::make_image(
        gpu_, {.format = colour_.format,
               .extent = extent,
               .usage = vk::ImageUsageFlagBits::eColorAttachment | vk::ImageUsageFlagBits::eTransientAttachment,
               .samples = colour_.samples});
  return generation;
}

}  // namespace renderer
