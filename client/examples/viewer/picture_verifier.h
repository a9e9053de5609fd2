#pragma once
// Is every pixel what the renderer must have drawn? Draws ferry-renderer's scene once more, as the frame's metadata
// says, into an image of this process's own, and compares the two.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/frame_note.h"
#include "client/examples/common/gpu.h"
#include "client/examples/common/rgba8_picture.h"

namespace viewer {

class PictureVerifier {
 public:
  /// @p gpu: the renderer's, too. Another one draws a slightly different picture.
  explicit PictureVerifier(const examples::Gpu& gpu);
  ~PictureVerifier();
  PictureVerifier(const PictureVerifier&) = delete;
  PictureVerifier& operator=(const PictureVerifier&) = delete;

  /// What is wrong with this frame; empty if nothing is.
  std::string find_fault(const ferry::Frame& frame, const examples::Rgba8Picture& picture);

 private:
  struct Canvas;
  struct CanvasSpec {
    std::uint32_t width_px = 0, height_px = 0, format = 0, samples = 0;
    bool operator==(const CanvasSpec&) const = default;
  };

  void fit(const CanvasSpec& spec);
  void draw(const examples::FrameNote& note);

  examples::Gpu gpu_;
  vk::UniqueCommandPool pool_;
  vk::CommandBuffer commands_;
  vk::UniqueFence done_;
  CanvasSpec spec_;
  std::unique_ptr<Canvas> canvas_;
  std::vector<std::uint8_t> rgba8_;
};

}  // namespace viewer
