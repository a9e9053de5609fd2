#include "client/src/fence_inbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "platform/sync_file.h"

namespace ferry::client {

using platform::FenceState;
using platform::UniqueFd;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

void FenceInbox::open(UniqueFd channel) {
  channel_ = std::move(channel);
  fences_.clear();
  last_sequence_ = 0;
  last_generation_ = 0;
}

void FenceInbox::read() {
  for (std::size_t i = 0; channel_ && i < kCapacity; ++i) {
    auto received = platform::receive_fence(channel_);
    if (!received) return channel_.reset();  // what came before it is still good
    if (!*received) return;
    const proto::FenceMessage& message = (*received)->message;
    if (message.sequence <= last_sequence_ || message.generation < last_generation_) return channel_.reset();
    last_sequence_ = message.sequence;
    last_generation_ = message.generation;
    // The next one stands for the oldest one's frames, too.
    if (fences_.size() == kCapacity) fences_.pop_front();
    fences_.push_back({message.sequence, std::move((*received)->fence)});
  }
}

std::uint64_t FenceInbox::newest(bool signalled_only) {
  // Failed ones go at the end only: one in the middle is covered by those behind it.
  while (!fences_.empty()) {
    Fence& last = fences_.back();
    if (!last.fd) return last.sequence;
    const auto state = platform::fence_state(last.fd);
    if (state && *state == FenceState::kSignalled) {
      last.fd.reset();
      return last.sequence;
    }
    if (state && *state == FenceState::kPending) {
      if (!signalled_only) return last.sequence;
      break;
    }
    fences_.pop_back();
  }
  if (!signalled_only) return 0;
  for (auto fence = fences_.rbegin(); fence != fences_.rend(); ++fence) {
    const auto state = fence->fd ? platform::fence_state(fence->fd) : FenceState::kSignalled;
    if (state && *state == FenceState::kSignalled) return fence->sequence;
  }
  return 0;
}

Result<UniqueFd> FenceInbox::take(std::uint64_t sequence) {
  const auto covers = std::find_if(fences_.begin(), fences_.end(), [&](const Fence& f) { return f.sequence >= sequence; });
  fences_.erase(fences_.begin(), covers);
  for (Fence& fence : fences_) {
    if (!fence.fd) return UniqueFd();
    const auto state = platform::fence_state(fence.fd);
    if (!state || *state == FenceState::kFailed) continue;
    if (*state == FenceState::kSignalled) return UniqueFd();
    // It stays for other frames that it stands for, and that come after this one.
    UniqueFd copy = fence.fd.duplicate();
    if (!copy) return Error{ErrorCode::kSystem, fmt::format("duplicate of a fence: {}", std::strerror(errno))};
    return copy;
  }
  return Error{ErrorCode::kNotFound, fmt::format("no fence stands for frame {}", sequence)};
}

}  // namespace ferry::client
