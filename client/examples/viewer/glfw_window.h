#pragma once
// GLFW's library and one window of it.

#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

struct GLFWwindow;

namespace viewer {

class GlfwWindow {
 public:
  GlfwWindow(int width_px, int height_px, const char* title);
  ~GlfwWindow();
  GlfwWindow(const GlfwWindow&) = delete;
  GlfwWindow& operator=(const GlfwWindow&) = delete;

  GLFWwindow* get() const { return window_; }
  std::vector<const char*> instance_extensions() const;
  /// Throws when @p gpu's queue cannot present.
  vk::UniqueSurfaceKHR make_surface(const examples::Gpu& gpu) const;
  vk::Extent2D framebuffer_size() const;
  bool should_close() const;

  /// Handles input; sleeps for it no longer than that.
  static void wait_for_input(double timeout_s);
  /// Ends wait_for_input(), from any thread.
  static void wake();

 private:
  GLFWwindow* window_ = nullptr;
};

}  // namespace viewer
