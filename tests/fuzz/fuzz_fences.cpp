// A producer that sends anything through a consumer's fence channel (sync mode sync-fd): what is received is well-formed,
// frames are counted upwards, and nothing is left open.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "client/src/fence_inbox.h"
#include "platform/message_socket.h"
#include "platform/sync_file.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/open_descriptors.h"
#include "tests/fuzz/require.h"
#include "tests/support/sw_sync.h"

using namespace ferry;
using platform::UniqueFd;

namespace {

/// Where the kernel has sw_sync (scripts/vm-run), real fences come, too.
UniqueFd some_descriptor(fuzz::Input& input, test::SwSync& timeline, const UniqueFd& channel) {
  const std::uint8_t which = input.byte();
  switch (which % 6) {
    case 0:
    case 1:
      if (timeline) return timeline.fence_at(which / 6u % 4 + 1);
      return UniqueFd{eventfd(0, EFD_CLOEXEC)};
    case 2:
      return UniqueFd{memfd_create("fuzz-fence", MFD_CLOEXEC)};
    case 3:
      return UniqueFd{open("/dev/null", O_RDWR | O_CLOEXEC)};
    case 4:
      return channel.duplicate();
    default:
      return UniqueFd{open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
}

/// A fence's message, or any bytes.
std::vector<std::byte> some_bytes(fuzz::Input& input, std::uint64_t& sequence) {
  const std::uint8_t kind = input.byte();
  if (kind >= 224) {
    const auto bytes = std::as_bytes(input.take(input.below(40)));
    return {bytes.begin(), bytes.end()};
  }
  proto::FenceMessage message;
  message.sequence = kind < 160 ? sequence += 1 + kind % 3 : input.interesting();
  message.generation = kind < 200 ? 1 + kind / 64u : static_cast<std::uint32_t>(input.interesting());
  message.reserved = kind % 32 == 31 ? input.byte() : 0;
  std::vector<std::byte> bytes(sizeof message);
  std::memcpy(bytes.data(), &message, sizeof message);
  return bytes;
}

void send(fuzz::Input& input, const UniqueFd& channel, test::SwSync& timeline, std::uint64_t& sequence) {
  const auto bytes = some_bytes(input, sequence);
  const std::uint8_t kind = input.byte();
  const std::size_t count = kind < 100 ? 0 : kind < 240 ? 1 : kind % 4;
  std::vector<UniqueFd> fds;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    fds.push_back(some_descriptor(input, timeline, channel));
    numbers.push_back(fds.back().get());
  }
  if (!bytes.empty()) (void)platform::send_packet(channel, bytes, numbers);
}

/// What a consumer does with it, as FrameTaker does.
void look(fuzz::Input& input, client::FenceInbox& inbox) {
  inbox.read();
  const std::uint64_t signalled = inbox.newest(true), newest = inbox.newest(false);
  FERRY_REQUIRE(signalled <= newest);
  const std::uint64_t wanted = input.below(4) == 0 ? input.interesting() : newest;
  const auto fence = inbox.take(wanted);
  if (wanted == newest && newest != 0) FERRY_REQUIRE(fence);
  if (!fence) FERRY_REQUIRE(fence.error().code == proto::ErrorCode::kNotFound);
  if (fence && *fence) FERRY_REQUIRE(platform::fence_state(*fence));
}

void run(fuzz::Input input) {
  auto pair = platform::create_fence_channel();
  FERRY_REQUIRE(pair);
  test::SwSync timeline = test::SwSync::open();
  client::FenceInbox inbox;
  const bool direct = input.below(4) == 0;
  if (!direct) inbox.open(pair->consumer_end.duplicate());
  std::uint64_t sequence = 0;
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    if (what < 160) {
      send(input, pair->producer_end, timeline, sequence);
    } else if (what < 176) {
      if (timeline) timeline.advance(1);
    } else if (what < 180) {
      shutdown(pair->producer_end.get(), SHUT_WR);
    } else if (what < 184) {  // another producer
      pair = platform::create_fence_channel();
      FERRY_REQUIRE(pair);
      if (!direct) inbox.open(pair->consumer_end.duplicate());
      sequence = 0;
    } else if (direct) {
      const auto received = platform::receive_fence(pair->consumer_end);
      if (received && *received && (*received)->fence) FERRY_REQUIRE(platform::fence_state((*received)->fence));
    } else {
      look(input, inbox);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto before = (run({nullptr, 0}), fuzz::open_descriptors());
  run({data, size});
  fuzz::require_the_same(before);
  return 0;
}
