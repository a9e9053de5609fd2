#pragma once
// Wakes the window's event loop when a stream has something: the loop sleeps in GLFW, which knows no descriptors.

#include <functional>
#include <thread>

namespace viewer {

class FrameWatch {
 public:
  /// Calls @p wake from a thread of its own when @p fd (borrowed) becomes readable, once for each rearm().
  FrameWatch(int fd, std::function<void()> wake);
  ~FrameWatch();
  FrameWatch(const FrameWatch&) = delete;
  FrameWatch& operator=(const FrameWatch&) = delete;

  /// What made the descriptor readable has been taken: watch for more.
  void rearm() const;

 private:
  void run(int fd) const;

  int control_fd_;  // an eventfd: kRearm or kStop
  std::function<void()> wake_;
  std::thread thread_;
};

}  // namespace viewer
