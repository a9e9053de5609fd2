#pragma once
// Gives frames back that the window has drawn.

#include <array>
#include <ferry/ferry.hpp>
#include <vulkan/vulkan.hpp>

#include "client/examples/common/gpu.h"

namespace viewer {

/// A frame on show is drawn by any number of submissions, and which was the last is known only when the next frame
/// comes. So the hand-over back gets a submission of its own: on one queue its signal comes after all earlier work.
class FrameReturner {
 public:
  explicit FrameReturner(const examples::Gpu& gpu);
  ~FrameReturner();
  FrameReturner(const FrameReturner&) = delete;
  FrameReturner& operator=(const FrameReturner&) = delete;

  void give_back(ferry::Consumer& consumer, const ferry::Frame& frame);
  /// Until the queue has done all that was submitted.
  void wait_idle() const { gpu_.queue.waitIdle(); }

 private:
  struct Slot {
    vk::UniqueCommandPool pool;
    vk::CommandBuffer commands;
    vk::UniqueFence done;
  };
  examples::Gpu gpu_;
  std::array<Slot, 3> slots_;
  std::size_t next_ = 0;
};

}  // namespace viewer
