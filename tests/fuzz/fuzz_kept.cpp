// What a service manager may give back to a broker (docs/decisions/0012): entries that a broker could have kept, of
// streams that are as they say or not, and anything else under any name. The broker takes what it can use, forgets it
// when nobody claims it, and leaves nothing open.

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "daemon/broker.h"
#include "daemon/kept_entry.h"
#include "platform/parcel.h"
#include "tests/fuzz/listening_socket.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/open_descriptors.h"
#include "tests/fuzz/peer.h"
#include "tests/fuzz/require.h"
#include "tests/unit/daemon/fake_gpu.h"

using namespace ferry;
using platform::UniqueFd;

namespace {

constexpr std::uint8_t kDevice = 1;

template <class Page>
UniqueFd some_page(fuzz::Input& input, proto::PageKind kind) {
  auto page = platform::OwnedPage<Page>::create(kind, "fuzz-page");
  FERRY_REQUIRE(page);
  if constexpr (requires { page->page().writer; }) {
    if (input.byte() < 220) fuzz::sign(page->page().writer);
  }
  for (std::uint32_t lies = input.below(4); lies > 0; --lies) {
    const std::uint64_t lie = input.interesting();
    std::memcpy(reinterpret_cast<char*>(&page->page()) + input.number<std::uint16_t>() % (sizeof(Page) / 8) * 8, &lie, 8);
  }
  return page->fd().duplicate();
}

UniqueFd some_descriptor(fuzz::Input& input) {
  switch (input.below(8)) {
    case 0:
      return UniqueFd{open("/dev/null", O_RDWR | O_CLOEXEC)};
    case 1:
      return some_page<proto::LeasePage>(input, proto::PageKind::kLease);
    case 2:
    case 3:
      return UniqueFd{eventfd(0, EFD_CLOEXEC)};  // an anonymous inode, as drivers of hardware give out
    default:
      return UniqueFd{memfd_create("fuzz-slot", MFD_CLOEXEC)};
  }
}

struct Entry {
  std::vector<std::byte> bytes;
  std::vector<UniqueFd> fds;
  std::uint64_t stream = 0;  ///< what it says that it is about
};

/// As a broker keeps it, of what its clients could have said. Mostly about stream 1, so that parts come together.
Entry some_entry(fuzz::Input& input) {
  Entry entry;
  wire::BodyUnion said = fuzz::some_hand_back(input, kDevice);
  std::size_t wanted = 0;
  const auto about_one = [&](std::uint64_t& stream) { entry.stream = input.byte() < 220 ? stream = 1 : stream; };
  if (auto* claim = said.AsReclaimStream()) {
    kept::StreamT about;
    about_one(claim->stream);
    about.uid = input.byte() < 220 ? getuid() : static_cast<std::uint32_t>(input.interesting());
    about.sandbox = input.byte() < 220 ? "" : fuzz::some_name(input);
    about.application = fuzz::some_name(input);
    about.claim = std::make_unique<wire::ReclaimStreamT>(std::move(*claim));
    entry.bytes = daemon::encode_kept(std::move(about));
    entry.fds.push_back(some_page<proto::StreamPage>(input, proto::PageKind::kStream));
    entry.fds.push_back(some_page<proto::VerdictPage>(input, proto::PageKind::kVerdict));
  } else if (auto* generation = said.AsHandBackGeneration()) {
    kept::GenerationT about;
    about_one(generation->stream);
    about.handed_back = input.below(4) == 0;
    if (generation->generation) wanted = generation->generation->slot_count + (generation->generation->has_timeline ? 1 : 0);
    about.part = std::make_unique<wire::HandBackGenerationT>(std::move(*generation));
    entry.bytes = daemon::encode_kept(std::move(about));
  } else if (auto* lease = said.AsHandBackLease()) {
    kept::LeaseT about;
    about_one(lease->stream);
    about.device = fuzz::some_device(input, kDevice);
    wanted = lease->has_release_timeline ? 2 : 1;
    about.part = std::make_unique<wire::HandBackLeaseT>(*lease);
    entry.bytes = daemon::encode_kept(std::move(about));
    entry.fds.push_back(some_page<proto::LeasePage>(input, proto::PageKind::kLease));
  } else {
    const auto bytes = std::as_bytes(input.take(input.byte()));
    entry.bytes = {bytes.begin(), bytes.end()};
    wanted = input.below(4);
  }
  while (entry.fds.size() < wanted) entry.fds.push_back(some_descriptor(input));
  if (input.byte() >= 250 && !entry.fds.empty()) entry.fds.pop_back();
  return entry;
}

std::string some_entry_name(fuzz::Input& input, std::uint64_t stream) {
  const std::uint8_t kind = input.byte();
  if (kind >= 250) return fuzz::some_name(input);
  return daemon::to_string({static_cast<daemon::KeptName::Kind>(kind % 3), proto::StreamId{stream}, kind});
}

/// Of the bytes alone, as they may have been changed on the way.
void decode(fuzz::Input& input, Entry& entry) {
  if (!entry.bytes.empty())
    for (std::uint32_t changes = input.below(3); changes > 0; --changes)
      entry.bytes[input.number<std::uint16_t>() % entry.bytes.size()] = static_cast<std::byte>(input.byte());
  const auto decoded = daemon::decode_kept(entry.bytes, entry.fds.size());
  if (!decoded) FERRY_REQUIRE(decoded.error().code == proto::ErrorCode::kProtocolViolation);
  if (decoded) {
    const auto again = daemon::encode_kept(std::move((*decoded)->body));
    if (again.size() <= proto::kMaxMessageBytes) FERRY_REQUIRE(daemon::decode_kept(again, entry.fds.size()));
  }
}

std::vector<platform::PassedFd> some_store(fuzz::Input& input) {
  std::vector<platform::PassedFd> kept;
  for (int i = 0; i < 16 && !input.empty(); ++i) {
    const std::uint8_t kind = input.byte();
    Entry entry = some_entry(input);
    std::string name = some_entry_name(input, entry.stream);
    if (kind >= 200) decode(input, entry);
    if (kind >= 250) {
      kept.push_back({std::move(name), some_descriptor(input)});
      continue;
    }
    std::vector<int> numbers;
    for (const UniqueFd& fd : entry.fds) numbers.push_back(fd.get());
    auto parcel = platform::pack_parcel(entry.bytes, numbers);
    if (parcel) kept.push_back({std::move(name), std::move(*parcel)});
  }
  return kept;
}

void run(const fuzz::ListeningSocket& socket, fuzz::Input input) {
  boost::asio::io_context io(1);
  auto listener = platform::Listener::adopt(socket.fd().duplicate());
  FERRY_REQUIRE(listener);
  const std::uint8_t device = input.byte();
  const auto gpu = std::make_shared<daemon::test::FakeGpu>(kDevice, device % 2 == 0);
  if (device >= 64) gpu->add_modifiers(proto::Format::kRgba8Unorm, {0, 1, 2});
  if (device >= 128) gpu->add_fences();
  daemon::Limits limits;
  limits.reclaim_grace_ms = 1;
  limits.max_streams = 3;
  limits.max_slots = 10;
  limits.max_descriptors_per_uid = 100;
  limits.texture_memory_bytes = 4 << 20;
  daemon::Broker broker(io, limits, daemon::Policy({}, geteuid()), std::move(*listener), daemon::GpuPool::of({gpu}), 8);
  broker.restore(some_store(input));
  FERRY_REQUIRE(broker.start());
  io.poll();
  // Nobody comes for what was restored.
  for (int tries = 0; tries < 2000 && !broker.books().empty(); ++tries) io.run_for(std::chrono::milliseconds(1));
  FERRY_REQUIRE(broker.books().empty());
  broker.stop("the end");
  io.poll();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  spdlog::set_level(spdlog::level::off);
  static const fuzz::ListeningSocket socket;
  static const auto before = (run(socket, {nullptr, 0}), fuzz::open_descriptors());
  run(socket, {data, size});
  fuzz::require_the_same(before);
  return 0;
}
