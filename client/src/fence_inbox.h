#pragma once
// The fences that have come for a consumer's frames (sync mode sync-fd), as its producer sent them. Whatever is wrong with
// them ends the channel: the consumer then sees frames when they are complete.

#include <cstdint>
#include <deque>

#include "platform/fence_channel.h"
#include "platform/unique_fd.h"

namespace ferry::client {

class FenceInbox {
 public:
  /// Another producer's, or none: what came before is forgotten.
  void open(platform::UniqueFd channel);
  bool is_open() const { return channel_.valid(); }

  /// Takes in what there is, at most a channel's worth: who floods it is read later, and waits for nobody. Never blocks.
  void read();

  /// The newest frame that may be taken with a fence that is here; 0: none. A fence that has failed, because its work can no
  /// longer be done, stands for nothing. @p signalled_only: nor does one that is pending.
  std::uint64_t newest(bool signalled_only);

  /// What to wait for before frame @p sequence is read; invalid: nothing. Forgets what is older. kNotFound: no fence stands
  /// for it (any more); kSystem.
  proto::Result<platform::UniqueFd> take(std::uint64_t sequence);

  static constexpr std::size_t kCapacity = 16;

 private:
  struct Fence {
    std::uint64_t sequence = 0;
    platform::UniqueFd fd;  ///< invalid: has signalled
  };

  platform::UniqueFd channel_;
  std::deque<Fence> fences_;  ///< by sequence; each stands for all frames up to its own
  std::uint64_t last_sequence_ = 0;
  std::uint32_t last_generation_ = 0;
};

}  // namespace ferry::client
