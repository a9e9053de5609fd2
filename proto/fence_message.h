#pragma once
// What crosses a fence channel (sync mode sync-fd): one message a frame, before the frame is published, with its fence as
// the only descriptor, or with none when the fence has signalled already. Both ends are told by the same broker which
// generation uses it; a message of another size, or with something in what is reserved, comes from no version that
// this one knows, and ends the channel.

#include <cstdint>
#include <type_traits>

namespace ferry::proto {

/// A fence stands for every frame up to its own: a frame whose fence did not fit into the channel is complete, too, when a
/// later frame's has signalled.
struct FenceMessage {
  std::uint64_t sequence = 0;    ///< of the frame; grows from message to message
  std::uint32_t generation = 0;  ///< the frame's; never falls
  std::uint32_t reserved = 0;
};
static_assert(sizeof(FenceMessage) == 16 && std::is_trivially_copyable_v<FenceMessage>);

}  // namespace ferry::proto
