// The whole broker over a fake GPU, three clients that say anything in any order, and its books at the end.

#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/broker.h"
#include "platform/listener.h"
#include "platform/message_socket.h"
#include "tests/fuzz/peer.h"
#include "tests/fuzz/require.h"
#include "tests/unit/daemon/fake_gpu.h"

using namespace ferry;

namespace {

constexpr std::uint8_t kDevice = 1;
constexpr std::uint64_t kFirstId = 8;  // peers claim what lies below, and guess what lies above
constexpr int kHighestDescriptor = 512;  // far more than three peers can make a broker open

/// What is open but pipes: the broker makes none, and UBSan keeps one to try whether memory can be read.
std::vector<std::string> open_descriptors() {
  std::vector<std::string> open;
  for (int fd = 0; fd < kHighestDescriptor; ++fd) {
    char target[256] = {};
    const std::string path = "/proc/self/fd/" + std::to_string(fd);
    if (readlink(path.c_str(), target, sizeof target - 1) < 0 || std::string_view(target).starts_with("pipe:")) continue;
    open.push_back(std::to_string(fd) + " " + target);
  }
  return open;
}

/// Listens under a name that the kernel chooses: a fuzzer that is killed leaves no file.
struct Socket {
  Socket() : fd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un any{};
    any.sun_family = AF_UNIX;
    FERRY_REQUIRE(bind(fd.get(), reinterpret_cast<sockaddr*>(&any), sizeof any.sun_family) == 0);
    FERRY_REQUIRE(listen(fd.get(), 16) == 0);
    length = sizeof address;
    FERRY_REQUIRE(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &length) == 0);
  }
  platform::UniqueFd connect() const {
    platform::UniqueFd client{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    FERRY_REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0);
    return client;
  }
  platform::UniqueFd fd;
  sockaddr_un address{};
  socklen_t length = 0;
};

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

void run(const Socket& socket, fuzz::Input input) {
  boost::asio::io_context io(1);
  auto listener = platform::Listener::adopt(socket.fd.duplicate());
  FERRY_REQUIRE(listener);
  const auto gpu = std::make_shared<daemon::test::FakeGpu>(kDevice, input.below(2) == 0);
  if (input.below(2) == 0) gpu->add_modifiers(proto::Format::kRgba8Unorm, {0, 1, 2});
  daemon::Broker broker(io, small_limits(), daemon::Policy({}, geteuid()), std::move(*listener), daemon::GpuPool::of({gpu}), kFirstId);
  FERRY_REQUIRE(broker.start());
  std::array<std::optional<fuzz::Peer>, 3> peers;
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    auto& peer = peers[what % peers.size()];
    if (!peer)
      peer.emplace(socket.connect(), kDevice);
    else if (what >= 250)
      peer.reset();
    else
      peer->act(input);
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
  static const Socket socket;
  // What peers sent is closed by a thread (daemon/fd_bin.h), which has its time.
  static const auto before =
      (run(socket, {nullptr, 0}), std::this_thread::sleep_for(std::chrono::milliseconds(200)), open_descriptors());
  run(socket, {data, size});
  auto after = open_descriptors();
  for (int tries = 0; tries < 5000 && after != before; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    after = open_descriptors();
  }
  if (after != before)
    for (const std::string& descriptor : after) std::fprintf(stderr, "open: %s\n", descriptor.c_str());
  FERRY_REQUIRE(after == before);
  return 0;
}
