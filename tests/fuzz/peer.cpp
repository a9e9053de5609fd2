#include "tests/fuzz/peer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "platform/linux/process_start.h"
#include "platform/message_socket.h"
#include "proto/codec.h"
#include "proto/format.h"
#include "proto/usage.h"
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

std::string some_name(Input& input) {
  const std::uint8_t kind = input.byte();
  if (kind < 200) return std::string(1, static_cast<char>('a' + kind % 3));
  const auto bytes = input.take(kind % 8);
  return {bytes.begin(), bytes.end()};
}

std::unique_ptr<wire::ImageT> some_image(Input& input) {
  auto image = std::make_unique<wire::ImageT>();
  const std::uint8_t kind = input.byte();
  image->width_px = kind < 220 ? 1 + kind : static_cast<std::uint32_t>(input.interesting());
  image->height_px = kind < 220 ? 1 + kind / 2 : static_cast<std::uint32_t>(input.interesting());
  image->format = kind < 220 ? static_cast<std::uint8_t>(proto::Format::kRgba8Unorm) : input.byte();
  if (kind >= 220) {
    image->usage = static_cast<std::uint32_t>(input.interesting());
    image->flags = static_cast<std::uint32_t>(input.interesting());
  }
  return image;
}

std::unique_ptr<wire::DeviceT> some_device(Input& input, std::uint8_t number) {
  const std::uint8_t kind = input.byte();
  if (kind > 250) return nullptr;
  auto device = std::make_unique<wire::DeviceT>();
  const auto filled = [](std::uint8_t byte) {
    const std::uint64_t word = 0x0101010101010101u * byte;
    return std::make_unique<wire::Uuid>(word, word);
  };
  device->device_uuid = filled(kind > 240 ? std::uint8_t{9} : number);
  device->driver_uuid = filled(0xdd);
  device->transports = {wire::Transport::OpaqueFd};
  if (kind > 100) device->transports.push_back(wire::Transport::DmaBuf);
  for (std::uint8_t i = 0; i < kind % 5; ++i)
    device->modifiers.emplace_back(i == 2 ? ~std::uint64_t{0} : i, kind % 64u, static_cast<std::uint8_t>(i * 3), i, i != 1);
  device->sync_modes = {wire::SyncMode::Timeline, wire::SyncMode::Host};
  if (kind > 230) device->sync_modes.pop_back();
  return device;
}

std::unique_ptr<wire::GenerationT> some_generation(Input& input) {
  if (input.byte() > 250) return nullptr;
  auto generation = std::make_unique<wire::GenerationT>();
  generation->id = static_cast<std::uint32_t>(input.interesting());
  generation->image = some_image(input);
  generation->slot_count = 3 + input.below(4);
  generation->transport = input.below(4) == 0 ? static_cast<wire::Transport>(input.below(5)) : wire::Transport::OpaqueFd;
  generation->has_timeline = input.below(4) == 0;
  generation->allocation_size = input.byte() < 200 ? 4096 : input.interesting();
  generation->row_pitch = static_cast<std::uint32_t>(input.interesting());
  if (input.below(4) == 0) {
    generation->transport = wire::Transport::DmaBuf;
    generation->modifier = input.interesting();
    for (std::uint32_t planes = input.below(7); planes > 0; --planes)
      generation->planes.emplace_back(input.interesting(), input.interesting());
  }
  generation->reason = some_name(input);
  return generation;
}

wire::BodyUnion some_hand_back(Input& input, std::uint8_t device_number) {
  wire::BodyUnion body;
  switch (input.below(4)) {
    case 0: {
      wire::HandBackGenerationT part;
      part.stream = input.interesting();
      part.generation = some_generation(input);
      body.Set(std::move(part));
      break;
    }
    case 1: {
      wire::HandBackLeaseT part;
      part.stream = input.interesting();
      part.lease = input.interesting();
      part.lease_index = static_cast<std::uint32_t>(input.interesting());
      part.mode = static_cast<wire::ConsumerMode>(input.below(4));
      part.max_holds = input.below(18);
      part.queue_depth = input.below(34);
      part.has_release_timeline = input.below(2) == 0;
      part.completed_only = input.below(4) == 0;
      body.Set(part);
      break;
    }
    case 2: {
      wire::ReclaimStreamT claim;
      claim.stream = input.interesting();
      claim.name = some_name(input);
      claim.device = some_device(input, device_number);
      claim.sync_mode = static_cast<wire::SyncMode>(input.below(5));
      claim.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
      claim.frames_in_flight = 1 + input.below(9);
      claim.next_sequence = input.interesting();
      claim.newest_generation = static_cast<std::uint32_t>(input.interesting());
      claim.producers = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(claim));
      break;
    }
    default: {
      wire::ReclaimLeaseT claim;
      claim.stream = input.interesting();
      claim.name = some_name(input);
      claim.lease = input.interesting();
      claim.lease_index = static_cast<std::uint32_t>(input.interesting());
      claim.mode = static_cast<wire::ConsumerMode>(input.below(4));
      claim.max_holds = input.below(18);
      claim.queue_depth = input.below(34);
      claim.has_release_timeline = input.below(2) == 0;
      claim.completed_only = input.below(4) == 0;
      claim.device = some_device(input, device_number);
      claim.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
      claim.next_sequence = input.interesting();
      claim.newest_generation = static_cast<std::uint32_t>(input.interesting());
      claim.newest_known = static_cast<std::uint32_t>(input.interesting());
      claim.producers = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(claim));
    }
  }
  return body;
}

wire::BodyUnion some_request(Input& input, std::uint8_t device_number) {
  wire::BodyUnion body;
  const std::uint8_t what = input.byte();
  if (what >= 200) return some_hand_back(input, device_number);
  switch (what % 11) {
    case 0: {
      wire::HelloT hello;
      hello.protocol_min = 1;
      hello.protocol_max = static_cast<std::uint16_t>(1 + input.interesting());
      hello.application = some_name(input);
      body.Set(std::move(hello));
      break;
    }
    case 1: {
      wire::CreateStreamT create;
      create.name = some_name(input);
      create.image = some_image(input);
      create.device = some_device(input, device_number);
      create.sync_mode = static_cast<wire::SyncMode>(input.below(5));
      create.queue_policy = static_cast<wire::QueuePolicy>(input.below(4));
      create.frames_in_flight = 1 + input.below(9);
      create.min_slots = input.below(20);
      body.Set(std::move(create));
      break;
    }
    case 2: {
      wire::ReconfigureT reconfigure;
      reconfigure.stream = input.interesting();
      reconfigure.image = some_image(input);
      body.Set(std::move(reconfigure));
      break;
    }
    case 3: {
      wire::GenerationsRetiredT retired;
      retired.stream = input.interesting();
      retired.newest = static_cast<std::uint32_t>(input.interesting());
      body.Set(retired);
      break;
    }
    case 4: {
      wire::ReportStarvedT starved;
      starved.stream = input.interesting();
      for (std::uint32_t i = input.below(4); i > 0; --i) starved.leases.push_back(input.interesting());
      starved.starved_ms = static_cast<std::uint32_t>(input.interesting());
      body.Set(std::move(starved));
      break;
    }
    case 5: {
      wire::CloseStreamT close;
      close.stream = input.interesting();
      body.Set(close);
      break;
    }
    case 6:
    case 7: {
      wire::AttachT attach;
      attach.name = some_name(input);
      attach.device = some_device(input, device_number);
      attach.mode = static_cast<wire::ConsumerMode>(input.below(4));
      attach.max_holds = input.below(18);
      attach.queue_depth = input.below(34);
      attach.wait = input.below(2) == 0;
      body.Set(std::move(attach));
      break;
    }
    case 8: {
      wire::CancelAttachT cancel;
      cancel.request = input.interesting();
      body.Set(cancel);
      break;
    }
    case 9: {
      wire::DetachT detach;
      detach.lease = input.interesting();
      body.Set(detach);
      break;
    }
    default: {
      wire::QueryStatusT query;
      query.first_stream = input.interesting();
      body.Set(query);
    }
  }
  return body;
}

}  // namespace

Peer::Peer(UniqueFd socket, std::uint8_t device_number)
    : socket_(std::move(socket)),
      device_number_(device_number),
      stream_page_(new_page<proto::StreamPage>(proto::PageKind::kStream)),
      lease_page_(new_page<proto::LeasePage>(proto::PageKind::kLease)) {
  // Both pages are this process's, as every peer's are: what is claimed goes beyond the first check.
  for (proto::PageWriter* writer : {&stream_page_.page().writer, &lease_page_.page().writer}) {
    writer->pid = static_cast<std::uint32_t>(getpid());
    writer->started_ticks = platform::process_start_ticks(getpid());
  }
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
  const std::size_t wanted = envelope ? proto::descriptor_count(**envelope) : 0;
  std::vector<UniqueFd> fds;
  if (type == wire::Body::Attach || type == wire::Body::HandBackLease || type == wire::Body::ReclaimLease)
    fds.push_back(lease_page_.fd().duplicate());
  if (type == wire::Body::CreateStream || type == wire::Body::ReclaimStream || type == wire::Body::ReclaimLease)
    fds.push_back(stream_page_.fd().duplicate());
  // Textures and timelines: memory as a driver would give it out, and sometimes something else.
  while (fds.size() < wanted)
    fds.push_back(input.byte() > 240 ? some_descriptor(input) : UniqueFd{memfd_create("fuzz-slot", MFD_CLOEXEC)});
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
