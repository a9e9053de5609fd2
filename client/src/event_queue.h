#pragma once
// What an application has not yet been told.

#include <algorithm>
#include <cstring>
#include <deque>
#include <optional>
#include <string>

#include "client/src/generation.h"
#include "ferry/ferry.h"

namespace ferry::client {

class EventQueue {
 public:
  static constexpr std::size_t kCapacity = 64;  ///< an application that never asks keeps the newest

  void push(ferry_event_type type, const std::string& reason, const Generation* generation = nullptr) {
    ferry_event event{};
    event.struct_size = sizeof event;
    event.type = type;
    if (generation != nullptr) {
      event.generation = raw(generation->id());
      event.width_px = generation->desc().width_px;
      event.height_px = generation->desc().height_px;
      event.format = static_cast<std::uint32_t>(generation->desc().format);
      event.slot_count = generation->slot_count();
    }
    std::memcpy(event.reason, reason.data(), std::min(reason.size(), sizeof event.reason - 1));
    if (events_.size() == kCapacity) events_.pop_front();
    events_.push_back(event);
  }

  bool empty() const { return events_.empty(); }
  /// The oldest one, out of the queue; false: there is none.
  bool pop(ferry_event& out) {
    if (events_.empty()) return false;
    out = events_.front();
    events_.pop_front();
    return true;
  }

 private:
  std::deque<ferry_event> events_;
};

}  // namespace ferry::client
