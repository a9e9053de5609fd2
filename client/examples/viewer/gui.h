#pragma once
// Dear ImGui, set up for one window and one render pass.

#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

struct GLFWwindow;

namespace viewer {

class Gui {
 public:
  Gui(const examples::Gpu& gpu, GLFWwindow* window, vk::RenderPass pass, std::uint32_t image_count);
  ~Gui();
  Gui(const Gui&) = delete;
  Gui& operator=(const Gui&) = delete;

  void begin_frame() const;
  /// Ends what begin_frame() began, within the pass.
  void draw(vk::CommandBuffer commands) const;

 private:
  void upload_fonts(const examples::Gpu& gpu) const;

  vk::UniqueDescriptorPool pool_;
};

}  // namespace viewer
