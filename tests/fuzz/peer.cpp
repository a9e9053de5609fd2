#include "tests/fuzz/peer.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "platform/linux/process_start.h"
#include "platform/message_socket.h"
#include "proto/codec.h"
#include "tests/fuzz/messages.h"
#include "tests/fuzz/require.h"

namespace ferry::fuzz {

using platform::UniqueFd;

namespace {

template <class Page>
platform::OwnedPage<Page> new_page(proto::PageKind kind) {
  auto page = platform::OwnedPage<Page>::create(kind, "fuzz-page");
  FERRY_REQUIRE(page);
  return std::move(*page);
}

/// What nobody means to send: more than a message may carry is refused by the sender's own side.
constexpr std::size_t kMostDescriptors = 24;

/// A texture or timeline: memory as software drivers give it out, or an anonymous inode as drivers of hardware do.
UniqueFd new_slot(bool of_hardware) {
  return UniqueFd{of_hardware ? eventfd(0, EFD_CLOEXEC) : memfd_create("fuzz-slot", MFD_CLOEXEC)};
}

}  // namespace

void sign(proto::PageWriter& writer) {
  static const std::uint64_t started_ticks = platform::process_start_ticks(getpid());
  writer.pid = static_cast<std::uint32_t>(getpid());
  writer.started_ticks = started_ticks;
}

Peer::Peer(UniqueFd socket, std::uint8_t device_number)
    : socket_(std::move(socket)),
      device_number_(device_number),
      stream_page_(new_page<proto::StreamPage>(proto::PageKind::kStream)),
      lease_page_(new_page<proto::LeasePage>(proto::PageKind::kLease)) {
  // Both pages are this process's, as every peer's are: what is claimed goes beyond the first check.
  for (proto::PageWriter* writer : {&stream_page_.page().writer, &lease_page_.page().writer}) sign(*writer);
  wire::HelloT hello;
  hello.protocol_min = 1;
  hello.protocol_max = 1;
  (void)platform::send_packet(socket_, proto::encode(++last_request_, std::move(hello)), {});
}

void Peer::act(Input& input) {
  switch (input.below(16)) {
    case 0:
      return say_bytes(input);
    case 1:
    case 2:
      return scribble(input);
    case 3:
      shutdown(socket_.get(), input.below(2) == 0 ? SHUT_WR : SHUT_RD);
      return;
    default:
      return say(input);
  }
}

void Peer::say(Input& input) {
  wire::BodyUnion body = some_request(input, device_number_);
  const wire::Body type = body.type;
  const auto bytes = proto::encode(input.below(8) == 0 ? 0 : ++last_request_, std::move(body));
  const std::uint8_t kind = input.byte();
  if (kind > 230) return send(bytes, input, kind % 4);
  const auto envelope = proto::decode(bytes);
  const std::size_t wanted = envelope ? std::min(proto::descriptor_count(**envelope), kMostDescriptors) : 0;
  std::vector<UniqueFd> fds;
  if (type == wire::Body::Attach || type == wire::Body::HandBackLease || type == wire::Body::ReclaimLease)
    fds.push_back(lease_page_.fd().duplicate());
  if (type == wire::Body::CreateStream || type == wire::Body::ReclaimStream || type == wire::Body::ReclaimLease)
    fds.push_back(stream_page_.fd().duplicate());
  // Textures and timelines as a driver would give them out, and sometimes something else.
  while (fds.size() < wanted) {
    const std::uint8_t which = input.byte();
    fds.push_back(which > 240 ? some_descriptor(input) : new_slot(which >= 200));
  }
  std::vector<int> numbers;
  for (const UniqueFd& fd : fds) numbers.push_back(fd.get());
  (void)platform::send_packet(socket_, bytes, numbers);
}

void Peer::say_bytes(Input& input) {
  const auto bytes = input.take(1 + input.byte());
  if (!bytes.empty()) send(std::as_bytes(bytes), input, input.below(3));
}

void Peer::send(std::span<const std::byte> bytes, Input& input, std::size_t count) {
  std::vector<UniqueFd> fds;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    fds.push_back(some_descriptor(input));
    numbers.push_back(fds.back().get());
  }
  (void)platform::send_packet(socket_, bytes, numbers);
}

UniqueFd Peer::some_descriptor(Input& input) {
  switch (input.below(7)) {
    case 0:
      return stream_page_.fd().duplicate();
    case 1:
      return lease_page_.fd().duplicate();
    case 2: {  // not sealed
      UniqueFd fd{memfd_create("fuzz-unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
      FERRY_REQUIRE(ftruncate(fd.get(), sizeof(proto::LeasePage)) == 0);
      return fd;
    }
    case 3: {  // too short
      UniqueFd fd{memfd_create("fuzz-short", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
      FERRY_REQUIRE(ftruncate(fd.get(), static_cast<off_t>(input.number<std::uint16_t>())) == 0);
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
      return fd;
    }
    case 4:
      return UniqueFd{open("/dev/null", O_RDWR | O_CLOEXEC)};
    case 5:
      return socket_.duplicate();
    default:
      return UniqueFd{open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
}

void Peer::scribble(Input& input) {
  const bool stream = input.below(2) == 0;
  const std::size_t size = stream ? sizeof(proto::StreamPage) : sizeof(proto::LeasePage);
  char* page = stream ? reinterpret_cast<char*>(&stream_page_.page()) : reinterpret_cast<char*>(&lease_page_.page());
  const std::uint64_t lie = input.interesting();
  std::memcpy(page + input.number<std::uint16_t>() % (size / 8) * 8, &lie, 8);
}

bool Peer::listen() {
  for (;;) {
    const auto packet = platform::receive_packet(socket_);
    if (!packet) return packet.error().code == proto::ErrorCode::kWouldBlock;
    if (packet->bytes.empty()) return false;
    const auto envelope = proto::decode(packet->bytes);
    FERRY_REQUIRE(envelope);
    FERRY_REQUIRE(packet->fds.size() == proto::descriptor_count(**envelope));
  }
}

}  // namespace ferry::fuzz
