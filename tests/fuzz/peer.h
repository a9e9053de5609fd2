#pragma once
// One client of the fuzzed broker: says what the input says, with whatever descriptors it says.

#include <vector>

#include "platform/shared_page.h"
#include "platform/unique_fd.h"
#include "proto/pages/lease_page.h"
#include "proto/pages/stream_page.h"
#include "tests/fuzz/input.h"

namespace ferry::fuzz {

/// As a page of this process's.
void sign(proto::PageWriter& writer);

class Peer {
 public:
  /// @p device: what the broker's device calls itself; a peer that lies about it gets nowhere.
  Peer(platform::UniqueFd socket, std::uint8_t device_number);

  /// One step of the input: a message, bytes, a lie in a page, a half-close.
  void act(Input& input);
  /// Reads what the broker has said, which must be well-formed and complete. False: the broker has ended the session.
  bool listen();

 private:
  void say(Input& input);
  void say_bytes(Input& input);
  void scribble(Input& input);
  platform::UniqueFd some_descriptor(Input& input);
  void send(std::span<const std::byte> bytes, Input& input, std::size_t wanted);

  platform::UniqueFd socket_;
  std::uint8_t device_number_;
  std::uint64_t last_request_ = 0;
  platform::OwnedPage<proto::StreamPage> stream_page_;
  platform::OwnedPage<proto::LeasePage> lease_page_;
};

}  // namespace ferry::fuzz
