#pragma once
// Destroying images takes calls into the kernel's driver, which stand still for seconds while NVIDIA's buries another process
// (docs/gpu-runs.md). begin() and acquire() leave it to a thread, and so keep their timeouts then.

#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace ferry::client {

class Disposer {
 public:
  Disposer() = default;
  ~Disposer();  ///< waits until all of it is gone
  Disposer(const Disposer&) = delete;
  Disposer& operator=(const Disposer&) = delete;

  /// Drops @p object, which nobody uses any more, on a thread that lives as long as there is something to drop. Any thread;
  /// never waits for the driver, but where no thread can be started.
  void dispose(std::shared_ptr<void> object);

 private:
  void run();

  std::mutex mutex_;
  std::vector<std::shared_ptr<void>> objects_;
  bool running_ = false;
  std::thread thread_;
};

}  // namespace ferry::client
