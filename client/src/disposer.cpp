#include "client/src/disposer.h"

#include <system_error>
#include <utility>

#include "platform/thread_name.h"

namespace ferry::client {

Disposer::~Disposer() {
  if (thread_.joinable()) thread_.join();
}

void Disposer::dispose(std::shared_ptr<void> object) {
  std::lock_guard lock(mutex_);
  objects_.push_back(std::move(object));
  if (running_) return;
  if (thread_.joinable()) thread_.join();  // it has said that it is done
  try {
    thread_ = std::thread([this] { run(); });
    running_ = true;
  } catch (const std::system_error&) {
    objects_.clear();
  }
}

void Disposer::run() {
  platform::name_this_thread("ferry-dispose");
  std::vector<std::shared_ptr<void>> objects;
  for (;;) {
    {
      std::lock_guard lock(mutex_);
      objects.swap(objects_);
      if (objects.empty()) {
        running_ = false;
        return;
      }
    }
    objects.clear();
  }
}

}  // namespace ferry::client
