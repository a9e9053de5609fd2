#pragma once
// The window's images, and what it takes to draw into them.

#include <cstdint>
#include <optional>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

namespace viewer {

class Swapchain {
 public:
  Swapchain(const examples::Gpu& gpu, vk::SurfaceKHR surface);

  vk::RenderPass pass() const { return *pass_; }
  vk::Extent2D extent() const { return extent_; }
  std::uint32_t image_count() const { return static_cast<std::uint32_t>(images_.size()); }

  /// Makes images of the window's size now. No submitted work may use the old ones. False while the window has none.
  bool recreate(vk::Extent2D window_size);

  /// The next image; @p available is signalled when it may be drawn into. Nothing when recreate() is due.
  std::optional<std::uint32_t> acquire(vk::Semaphore available);
  vk::Framebuffer framebuffer(std::uint32_t image) const { return *images_[image].framebuffer; }
  /// Signalled by the submission that draws @p image; present() waits for it.
  vk::Semaphore drawn(std::uint32_t image) const { return *images_[image].drawn; }
  /// False when recreate() is due.
  bool present(std::uint32_t image);

 private:
  struct Image {
    vk::UniqueImageView view;
    vk::UniqueFramebuffer framebuffer;
    vk::UniqueSemaphore drawn;
  };
  vk::UniqueRenderPass make_pass() const;

  examples::Gpu gpu_;
  vk::SurfaceKHR surface_;
  vk::SurfaceFormatKHR format_;
  vk::UniqueRenderPass pass_;
  vk::UniqueSwapchainKHR swapchain_;
  std::vector<Image> images_;
  vk::Extent2D extent_;
};

}  // namespace viewer
