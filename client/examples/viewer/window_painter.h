#pragma once
// One picture of the window after the other: the frame on show, then the panel over it.

#include <array>
#include <ferry/ferry.hpp>
#include <optional>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"
#include "client/examples/viewer/frame_painter.h"
#include "client/examples/viewer/gui.h"
#include "client/examples/viewer/swapchain.h"

namespace viewer {

/// Where a frame goes, in pixels of the window.
struct FramePlacement {
  const ferry::Frame* frame = nullptr;
  bool is_fresh = false;  ///< first use: wait for it and take it over
  vk::Rect2D area;        ///< of the whole frame; may reach beyond `visible`
  vk::Rect2D visible;
};

class WindowPainter {
 public:
  /// The GPU must have done all that was submitted before this goes.
  WindowPainter(const examples::Gpu& gpu, vk::SurfaceKHR surface, vk::Extent2D window_size);
  WindowPainter(const WindowPainter&) = delete;
  WindowPainter& operator=(const WindowPainter&) = delete;

  vk::RenderPass pass() const { return swapchain_.pass(); }
  std::uint32_t image_count() const { return swapchain_.image_count(); }

  /// Readies the next image for a window of that size. False when the window shows nothing, being minimised say.
  bool begin(vk::Extent2D window_size);
  /// Draws and presents; after begin() only. Afterwards the work that uses the frame has been submitted.
  void finish(const Gui& gui, const std::optional<FramePlacement>& frame);

 private:
  static constexpr std::uint32_t kFlights = 2;
  struct Flight {
    vk::UniqueCommandPool pool;
    vk::CommandBuffer commands;
    vk::UniqueFence done;
    vk::UniqueSemaphore image_available;
  };

  void record(const Gui& gui, const std::optional<FramePlacement>& frame);
  void submit(const ferry::Frame* fresh_frame);

  examples::Gpu gpu_;
  Swapchain swapchain_;
  FramePainter frame_painter_;
  std::array<Flight, kFlights> flights_;
  std::uint32_t flight_ = 0;
  std::uint32_t image_ = 0;
  bool is_stale_ = true;
};

}  // namespace viewer
