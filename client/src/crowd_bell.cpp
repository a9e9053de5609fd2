#include "client/src/crowd_bell.h"

#include <utility>

#include "platform/futex.h"
#include "platform/message_socket.h"
#include "platform/thread_name.h"

namespace ferry::client {

CrowdBell::CrowdBell(const proto::AtomicU32& doorbell) : doorbell_(doorbell), thread_([this] { run(); }) {}

CrowdBell::~CrowdBell() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void CrowdBell::ring(bool sleepers, std::span<const Channel* const> channels) {
  {
    std::lock_guard lock(mutex_);
    asked_->sleepers |= sleepers;
    for (const Channel* channel : channels) {
      // Full only when leases came and went while the thread was kept from running.
      if (asked_->count < asked_->channels.size()) {
        asked_->channels[asked_->count++] = *channel;
      } else {
        platform::ring_channel(**channel);
      }
    }
  }
  changed_.notify_one();
}

void CrowdBell::run() {
  platform::name_this_thread("ferry-bell");
  auto mine = std::make_unique<Asked>();
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return asked_->sleepers || asked_->count > 0 || stopping_; });
      last = stopping_;
      std::swap(mine, asked_);
    }
    if (std::exchange(mine->sleepers, false)) platform::futex_wake_all(doorbell_);
    for (std::size_t i = 0; i < mine->count; ++i) platform::ring_channel(*std::exchange(mine->channels[i], nullptr));
    mine->count = 0;
  }
}

}  // namespace ferry::client
