#pragma once
// What ferry_producer_get_fd() gives away: readable while there are events, and when a begin() that found no slot may find
// one. The rings that wake a sleeping begin() are behind it as well.

#include "platform/message_socket.h"
#include "platform/wait_set.h"
#include "platform/wake_timer.h"

namespace ferry::client {

class ProducerFd {
 public:
  /// @p slots outlives this: readable when a slot may be free.
  static proto::Result<ProducerFd> create(const platform::WaitSet& slots);

  int number() const { return all_.fd().get(); }

  /// An event waits, or none does any more.
  void show_event(bool waits);

  /// begin() found no slot, and has said so where those who free one see it: until disarm() it is they who ring.
  /// @p look_again_ns: CLOCK_MONOTONIC of the next begin() where nobody does; 0: there is no need to.
  void arm(std::int64_t look_again_ns);
  void disarm();
  bool is_armed() const { return armed_; }

 private:
  platform::ChannelPair events_;
  platform::WakeTimer patience_;
  platform::WaitSet all_;
  bool event_shown_ = false;
  bool armed_ = false;
};

}  // namespace ferry::client
