// Stream: the device object that its textures came from is lost.

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "daemon/handed_back.h"
#include "daemon/stream.h"

namespace ferry::daemon {

using proto::Result;
using proto::StreamState;

void Stream::poison(const std::string& message) {
  if (state_ == StreamState::kPoisoned || state_ == StreamState::kClosed) return;
  healthy_state_ = state_;
  set_state(StreamState::kPoisoned, message);
}

Result<void> Stream::move_to(std::shared_ptr<platform::VulkanDevice> device) {
  // Descriptors outlive the device that they came from, and so does what they stand for.
  const auto stays = [&](const Result<void>& moved, const char* what) {
    if (!moved) spdlog::warn("stream {}: {} stays on the lost device: {}", log_name(), what, moved.error().message);
  };
  const auto move = [&](std::shared_ptr<platform::ExportedTimeline>& timeline) {
    if (!timeline) return;
    auto moved = import_handed_back_timeline(timeline->fd().duplicate(), *device);
    if (moved)
      timeline = std::move(*moved);
    else
      stays(std::move(moved).error(), "a release timeline");
  };
  for (const auto& generation : generations_) stays(generation->move_timeline_to(*device), "an acquire timeline");
  for (const auto& lease : leases_) move(lease->release_timeline);
  for (AbsentLease& lease : absent_) move(lease.release_timeline);
  setup_.device = std::move(device);
  // Slots that the producer brought are nothing that was made on it.
  if (has_producer() && !agreement().own) {
    const GenerationSpec& lost = newest_generation().spec();
    auto generation = make_generation(lost.image, lost.slot_count, "device lost");
    if (!generation) return std::move(generation).error();
    add_generation(std::move(*generation));
    drop_surplus_generations();
    announce_generation(0);
  }
  if (state_ == StreamState::kPoisoned) set_state(healthy_state_, "its textures come from another device object");
  return {};
}

}  // namespace ferry::daemon
