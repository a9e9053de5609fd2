#include "client/src/producer_fd.h"

#include <utility>

namespace ferry::client {

proto::Result<ProducerFd> ProducerFd::create(const platform::WaitSet& slots) {
  ProducerFd made;
  auto events = platform::create_channel();
  if (!events) return std::move(events).error();
  made.events_ = std::move(*events);
  auto patience = platform::WakeTimer::create();
  if (!patience) return std::move(patience).error();
  made.patience_ = std::move(*patience);
  auto all = platform::WaitSet::create();
  if (!all) return std::move(all).error();
  made.all_ = std::move(*all);
  // The keys do not matter: nobody but the application waits for this one.
  const platform::UniqueFd* const behind[] = {&slots.fd(), &made.events_.consumer_end, &made.patience_.fd()};
  for (const platform::UniqueFd* fd : behind)
    if (auto added = made.all_.add(*fd, 0); !added) return std::move(added).error();
  return made;
}

void ProducerFd::show_event(bool waits) {
  if (std::exchange(event_shown_, waits) == waits) return;
  if (waits)
    platform::ring_channel(events_.producer_end);
  else
    (void)platform::drain_channel(events_.consumer_end);
}

void ProducerFd::arm(std::int64_t look_again_ns) {
  armed_ = true;
  if (look_again_ns != 0)
    patience_.set(look_again_ns);
  else
    patience_.clear();
}

void ProducerFd::disarm() {
  armed_ = false;
  patience_.clear();
}

}  // namespace ferry::client
