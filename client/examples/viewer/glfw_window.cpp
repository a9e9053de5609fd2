#include "client/examples/viewer/glfw_window.h"

// After vulkan.hpp, so that GLFW offers what concerns Vulkan.
#include <GLFW/glfw3.h>
#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace viewer {
namespace {

[[noreturn]] void throw_glfw_error(const char* what) {
  const char* reason = nullptr;
  glfwGetError(&reason);
  throw std::runtime_error(
      fmt::format("{}: {}; --headless needs no display", what, reason ? reason : "no reason given"));
}

}  // namespace

GlfwWindow::GlfwWindow(int width_px, int height_px, const char* title) {
  if (glfwInit() != GLFW_TRUE) throw_glfw_error("cannot open a display");
  glfwWindowHint(GLFW_CLIENT_API, GLFW_NO_API);
  window_ = glfwCreateWindow(width_px, height_px, title, nullptr, nullptr);
  if (window_ == nullptr) {
    glfwTerminate();
    throw_glfw_error("cannot open a window");
  }
}

GlfwWindow::~GlfwWindow() {
  glfwDestroyWindow(window_);
  glfwTerminate();
}

std::vector<const char*> GlfwWindow::instance_extensions() const {
  std::uint32_t count = 0;
  const char** names = glfwGetRequiredInstanceExtensions(&count);
  if (names == nullptr) throw_glfw_error("GLFW finds no Vulkan that can present");
  return {names, names + count};
}

vk::UniqueSurfaceKHR GlfwWindow::make_surface(const examples::Gpu& gpu) const {
  VkSurfaceKHR surface = VK_NULL_HANDLE;
  if (glfwCreateWindowSurface(gpu.instance, window_, nullptr, &surface) != VK_SUCCESS)
    throw_glfw_error("cannot make a surface for the window");
  vk::UniqueSurfaceKHR owned(surface, gpu.instance);
  if (gpu.physical_device.getSurfaceSupportKHR(gpu.queue_family, surface) != VK_TRUE)
    throw std::runtime_error(
        fmt::format("device '{}' cannot present to this display; --device names another", gpu.name));
  return owned;
}

vk::Extent2D GlfwWindow::framebuffer_size() const {
  int width = 0, height = 0;
  glfwGetFramebufferSize(window_, &width, &height);
  return {static_cast<std::uint32_t>(std::max(0, width)), static_cast<std::uint32_t>(std::max(0, height))};
}

bool GlfwWindow::should_close() const { return glfwWindowShouldClose(window_) == GLFW_TRUE; }

void GlfwWindow::wait_for_input(double timeout_s) {
  if (timeout_s > 0) {
    glfwWaitEventsTimeout(timeout_s);
  } else {
    glfwPollEvents();
  }
}

void GlfwWindow::wake() { glfwPostEmptyEvent(); }

}  // namespace viewer
