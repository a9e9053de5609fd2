#include "client/examples/viewer/window.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ferry/ferry.hpp>
#include <memory>
#include <stdexcept>

#include "client/cli/exit_code.h"
#include "client/examples/common/pacer.h"
#include "client/examples/common/stop_signal.h"
#include "client/examples/viewer/glfw_window.h"
#include "client/examples/viewer/gui.h"
#include "client/examples/viewer/panel.h"
#include "client/examples/viewer/subscription.h"
#include "client/examples/viewer/window_painter.h"

namespace viewer {
namespace {

constexpr int kWindowWidth = 1280, kWindowHeight = 720;
constexpr double kIdleRedrawS = 0.25;  // for ages and rates; input and frames wake the loop at once

vk::Rect2D to_rect(const Area& area) {
  return {{static_cast<std::int32_t>(area.x), static_cast<std::int32_t>(area.y)},
          {static_cast<std::uint32_t>(std::max(0.0F, area.width)),
           static_cast<std::uint32_t>(std::max(0.0F, area.height))}};
}

/// The frame in the middle of @p available, as large as @p zoom says.
vk::Rect2D place(vk::Extent2D frame, const vk::Rect2D& available, Zoom zoom) {
  const auto width = static_cast<double>(frame.width), height = static_cast<double>(frame.height);
  const double fit = std::min(available.extent.width / width, available.extent.height / height);
  const double factor = zoom == Zoom::kFit ? fit : 1.0;
  const auto shown_width = static_cast<std::int32_t>(std::lround(width * factor));
  const auto shown_height = static_cast<std::int32_t>(std::lround(height * factor));
  return {
      {available.offset.x + (static_cast<std::int32_t>(available.extent.width) - shown_width) / 2,
       available.offset.y + (static_cast<std::int32_t>(available.extent.height) - shown_height) / 2},
      {static_cast<std::uint32_t>(std::max(1, shown_width)), static_cast<std::uint32_t>(std::max(1, shown_height))}};
}

ferry::Device make_device(const ferry::Connection& connection, const GlfwWindow& window, const Options& options) {
  return ferry::Device(connection, {.selector = options.device,
                                    .enable_validation = options.validate,
                                    .instance_extensions = window.instance_extensions(),
                                    .device_extensions = {VK_KHR_SWAPCHAIN_EXTENSION_NAME}});
}

class WindowedViewer {
 public:
  WindowedViewer(const ferry::Connection& connection, const ferry::Device& device, const GlfwWindow& window,
                 const Options& options)
      : connection_(connection),
        device_(device),
        window_(window),
        options_(options),
        gpu_(examples::gpu_of(device)),
        surface_(window.make_surface(gpu_)),
        painter_(gpu_, *surface_, window.framebuffer_size()),
        gui_(gpu_, window.get(), painter_.pass(), painter_.image_count()),
        returner_(gpu_),
        panel_(connection) {
    if (!options.stream.empty()) subscribe(options.stream);
  }

  ~WindowedViewer() {
    subscription_.reset();
    // Nothing that goes now may still be drawn with. A device that is lost draws nothing more.
    static_cast<void>(vkDeviceWaitIdle(gpu_.device));
  }
  WindowedViewer(const WindowedViewer&) = delete;
  WindowedViewer& operator=(const WindowedViewer&) = delete;

  void run() {
    const auto start_ns = examples::monotonic_ns();
    const auto is_over = [&] {
      const double open_s = static_cast<double>(examples::monotonic_ns() - start_ns) * 1e-9;
      return options_.exit_after_s > 0 && open_s >= options_.exit_after_s;
    };
    while (!window_.should_close() && !examples::stop_requested() && !is_over()) {
      GlfwWindow::wait_for_input(subscription_ && subscription_->has_more() ? 0 : kIdleRedrawS);
      if (subscription_) subscription_->update();
      draw();
    }
  }

 private:
  void subscribe(const std::string& stream) {
    subscription_.reset();
    subscription_ = std::make_unique<Subscription>(connection_, device_, returner_, stream, options_.mode,
                                                   [] { GlfwWindow::wake(); });
  }

  void draw() {
    if (!painter_.begin(window_.framebuffer_size())) return;
    gui_.begin_frame();
    const auto chosen = panel_.draw({subscription_.get(), gpu_.name});
    panel_.draw_notices(subscription_.get(), panel_.picture_area());

    std::optional<FramePlacement> placement;
    if (const ferry::Frame* frame = subscription_ ? subscription_->frame() : nullptr) {
      const vk::Rect2D available = to_rect(panel_.picture_area());
      placement = {frame, subscription_->is_fresh(), place(displayed_size(*frame), available, panel_.zoom()),
                   available};
    }
    painter_.finish(gui_, placement);
    if (placement) subscription_->mark_drawn();
    if (chosen) subscribe(*chosen);  // now that nothing recorded is left that would name the old stream's frame
  }

  const ferry::Connection& connection_;
  const ferry::Device& device_;
  const GlfwWindow& window_;
  const Options& options_;
  examples::Gpu gpu_;
  vk::UniqueSurfaceKHR surface_;
  WindowPainter painter_;
  Gui gui_;
  FrameReturner returner_;
  Panel panel_;
  std::unique_ptr<Subscription> subscription_;
};

/// Without a display and without a broker, both are told at once: mending one only to hear of the other is a nuisance.
[[noreturn]] void throw_no_window(const std::exception& reason, const Options& options) {
  try {
    const ferry::Connection probe({.socket_path = options.socket, .application = "ferry-viewer"});
  } catch (const ferry::Error& error) {
    throw ferry::cli::CommandError(ferry::cli::exit_code_for(error.code()),
                                   fmt::format("{}; and {}", reason.what(), error.what()));
  }
  throw std::runtime_error(reason.what());
}

std::unique_ptr<GlfwWindow> open_window(const Options& options) try {
  return std::make_unique<GlfwWindow>(kWindowWidth, kWindowHeight, "Ferry viewer");
} catch (const std::exception& error) {
  throw_no_window(error, options);
}

}  // namespace

void run_window(const Options& options) {
  examples::stop_on_signals();
  const auto window = open_window(options);
  const ferry::Connection connection({.socket_path = options.socket, .application = "ferry-viewer"});
  const ferry::Device device = make_device(connection, *window, options);
  examples::lend_queue(device);
  WindowedViewer(connection, device, *window, options).run();
  examples::require_silent_validation(device);
}

}  // namespace viewer
