// The whole broker over a fake GPU, three clients that say anything in any order, and its books at the end. One of them may
// be of another trust domain than the others.

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <thread>

#include "daemon/broker.h"
#include "platform/listener.h"
#include "platform/message_socket.h"
#include "tests/fuzz/identities.h"
#include "tests/fuzz/listening_socket.h"
#include "tests/fuzz/open_descriptors.h"
#include "tests/fuzz/peer.h"
#include "tests/fuzz/require.h"
#include "tests/unit/daemon/fake_gpu.h"

using namespace ferry;

namespace {

constexpr std::uint8_t kDevice = 1;
constexpr std::uint64_t kFirstId = 8;  // peers claim what lies below, and guess what lies above

/// What the third peer may do when it is not of the others' domain.
daemon::Policy policy_for(fuzz::Identity third, bool may_produce) {
  if (third == fuzz::Identity::kOwnUser) return daemon::Policy({}, geteuid());
  daemon::Rule rule;
  rule.allow = rule.view = true;
  rule.produce = may_produce;
  if (third == fuzz::Identity::kAnotherUser)
    rule.user = fuzz::kAnotherUser;
  else
    rule.sandbox = "org.fuzz.*";
  rule.where = "fuzz";
  return daemon::Policy({rule}, geteuid());
}

daemon::Limits small_limits() {
  daemon::Limits limits;
  limits.max_streams = 4;
  limits.max_streams_per_session = 3;
  limits.max_leases_per_session = 5;
  limits.max_leases_per_stream = 6;
  limits.max_slots = 10;
  limits.max_outbox_messages = 16;
  limits.max_descriptors_per_uid = 60;
  limits.reclaim_grace_ms = 1;
  limits.texture_memory_bytes = 4 << 20;
  limits.texture_memory_bytes_per_session = 2 << 20;
  return limits;
}

void run(const fuzz::ListeningSocket& socket, fuzz::Input input) {
  boost::asio::io_context io(1);
  auto listener = platform::Listener::adopt(socket.fd().duplicate());
  FERRY_REQUIRE(listener);
  const std::uint8_t device = input.byte(), others = input.byte();
  const auto gpu = std::make_shared<daemon::test::FakeGpu>(kDevice, device % 2 == 0);
  if (device >= 128) gpu->add_fences();
  if (device >= 192) gpu->have_foreign_queues();
  if (others % 2 == 0) {
    gpu->add_modifiers(proto::Format::kRgba8Unorm, {0, 1, 2});
    gpu->add_modifiers(proto::Format::kRgba8Unorm, {3}, false);
  }
  const auto third = static_cast<fuzz::Identity>(others / 2 % 3);
  daemon::Broker broker(io, small_limits(), policy_for(third, others >= 128), std::move(*listener), daemon::GpuPool::of({gpu}),
                        kFirstId);
  FERRY_REQUIRE(broker.start());
  std::array<std::optional<fuzz::Peer>, 3> peers;
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    const std::size_t number = what % peers.size();
    auto& peer = peers[number];
    if (!peer) {
      fuzz::connecting().push_back(number == 2 ? third : fuzz::Identity::kOwnUser);
      peer.emplace(socket.connect(), kDevice);
    } else if (what >= 250) {
      peer.reset();
    } else {
      peer->act(input);
    }
    if (what % 8 == 0) continue;  // several at once, and a peer that does not read
    io.poll();
    if (peer && !peer->listen()) peer.reset();
  }
  for (auto& peer : peers) peer.reset();
  io.poll();
  io.poll();
  // What was handed back and not claimed is kept for a while.
  for (int tries = 0; tries < 2000 && !broker.books().empty(); ++tries) io.run_for(std::chrono::milliseconds(1));
  FERRY_REQUIRE(broker.books().empty());
  broker.stop("the end");
  io.poll();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  static const fuzz::ListeningSocket socket;
  constexpr std::uint8_t kOneConnects[] = {0, 0, 1};
  // What peers sent is closed by a thread (daemon/fd_bin.h), which has its time.
  static const auto before = (run(socket, {kOneConnects, sizeof kOneConnects}),
                              std::this_thread::sleep_for(std::chrono::milliseconds(200)), fuzz::open_descriptors());
  run(socket, {data, size});
  fuzz::require_the_same(before);
  return 0;
}
