#include "tests/integration/hostile/hostile_client.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "platform/clock.h"
#include "platform/message_socket.h"
#include "proto/format.h"
#include "proto/limits.h"

namespace ferry::test {

using platform::UniqueFd;

namespace {

template <class T>
T must(proto::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

template <class Table>
wire::BodyUnion body_of(Table table) {
  wire::BodyUnion body;
  body.Set(std::move(table));
  return body;
}

template <class Table>
std::unique_ptr<Table> copy_of(const std::unique_ptr<Table>& table) {
  return table ? std::make_unique<Table>(*table) : nullptr;
}

}  // namespace

HostileClient::HostileClient(const std::string& socket, Stage stage, const std::string& victim)
    : socket_(must(platform::connect_to(socket))),
      stage_(stage),
      stream_page_(must(platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "hostile-stream"))),
      lease_page_(must(platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "hostile-lease"))) {
  if (stage == Stage::kSilent) return;
  wire::HelloT hello;
  hello.protocol_min = 1;
  hello.protocol_max = 1;
  hello.application = "hostile";
  say(body_of(std::move(hello)), 0, FdKind::kDevNull);
  if (hear() != wire::Body::HelloReply) throw std::runtime_error("no HelloReply");
  if (stage == Stage::kProducing) {
    say(body_of(create_request("hostile-" + std::to_string(reinterpret_cast<std::uintptr_t>(this)))), 1, FdKind::kStreamPage);
    if (hear() != wire::Body::StreamCreated) throw std::runtime_error("no StreamCreated");
  }
  if (stage == Stage::kWaiting) {
    auto patient = attach_request("nobody-makes-this");
    patient.wait = true;
    say(body_of(std::move(patient)), 1, FdKind::kLeasePage);
  }
  if (stage == Stage::kAttached || stage == Stage::kOrphaned || stage == Stage::kEvicted) {
    say(body_of(attach_request(victim)), 1, FdKind::kLeasePage);
    if (hear() != wire::Body::Attached) throw std::runtime_error("no Attached");
  }
}

bool HostileClient::say(std::span<const std::byte> bytes, std::span<const int> fds) {
  return platform::send_packet_before(socket_, bytes, fds, platform::deadline_after(5'000'000'000)).ok();
}

bool HostileClient::say(wire::BodyUnion body, std::size_t fd_count, FdKind kind) {
  const std::vector<std::byte> bytes = proto::encode(++last_request_, std::move(body));
  if (fd_count == kAsManyAsBelong) {
    const auto envelope = proto::decode(bytes);
    fd_count = envelope ? std::min(proto::descriptor_count(**envelope), proto::kMaxMessageFds) : 0;
  }
  std::vector<UniqueFd> fds;
  std::vector<int> numbers;
  for (std::size_t i = 0; i < fd_count; ++i) {
    fds.push_back(descriptor(kind));
    numbers.push_back(fds.back().get());
  }
  const bool sent = say(bytes, numbers);
  // Behind it: after the end nothing more can be said.
  if (stage_ == Stage::kHalfClosed && last_request_ > 1) shutdown(socket_.get(), SHUT_WR);
  return sent;
}

Outcome HostileClient::outcome(bool must_end) {
  constexpr int kTimeout_ms = 10'000;
  for (bool ended = false;;) {
    const auto envelope = take(kTimeout_ms, ended);
    if (ended) return Outcome::kEnded;
    if (!envelope) return Outcome::kNothing;
    if (!must_end && envelope->request == last_request_) return Outcome::kAnswered;
  }
}

std::optional<wire::Body> HostileClient::hear(int timeout_ms) {
  bool ended = false;
  const auto envelope = take(timeout_ms, ended);
  if (!envelope) return std::nullopt;
  return envelope->body.type;
}

std::unique_ptr<proto::Envelope> HostileClient::take(int timeout_ms, bool& ended) {
  const auto readable =
      platform::wait_readable(socket_, UniqueFd{}, platform::deadline_after(std::int64_t{timeout_ms} * 1'000'000));
  if (!readable || !readable->socket) return nullptr;
  auto packet = platform::receive_packet(socket_);
  ended = !packet || packet->bytes.empty();
  if (ended) return nullptr;
  auto envelope = must(proto::decode(packet->bytes));
  for (UniqueFd& fd : packet->fds) kept_.push_back(std::move(fd));
  if (const auto* reply = envelope->body.AsHelloReply(); reply != nullptr && !reply->devices.empty())
    device_ = std::make_unique<wire::DeviceT>(*reply->devices.front());
  if (const auto* created = envelope->body.AsStreamCreated()) stream_ = created->stream;
  if (const auto* attached = envelope->body.AsAttached(); attached != nullptr && attached->generation)
    generation_ = attached->generation->id;
  if (const auto* started = envelope->body.AsGenerationStarted(); started != nullptr && started->generation)
    generation_ = started->generation->id;
  if (const auto* added = envelope->body.AsLeaseAdded()) last_lease_ = proto::LeaseId{added->lease};
  return envelope;
}

bool HostileClient::hears(wire::Body type) {
  constexpr int kMost = 16;
  for (int i = 0; i < kMost; ++i) {
    const auto heard = hear();
    if (!heard || *heard == type) return heard.has_value();
  }
  return false;
}

wire::CreateStreamT HostileClient::create_request(const std::string& name) const {
  wire::CreateStreamT request;
  request.name = name;
  request.image = std::make_unique<wire::ImageT>();
  request.image->width_px = 64;
  request.image->height_px = 64;
  request.image->format = static_cast<std::uint8_t>(proto::Format::kRgba8Unorm);
  request.device = copy_of(device_);
  request.frames_in_flight = 2;
  return request;
}

wire::AttachT HostileClient::attach_request(const std::string& name) const {
  wire::AttachT request;
  request.name = name;
  request.device = copy_of(device_);
  request.mode = wire::ConsumerMode::Latest;
  request.max_holds = 1;
  return request;
}

UniqueFd HostileClient::descriptor(FdKind kind) const {
  switch (kind) {
    case FdKind::kStreamPage:
      return stream_page_.fd().duplicate();
    case FdKind::kLeasePage:
      return lease_page_.fd().duplicate();
    case FdKind::kUnsealed: {
      UniqueFd fd{memfd_create("hostile-unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
      if (ftruncate(fd.get(), sizeof(proto::StreamPage)) != 0) throw std::runtime_error("ftruncate");
      return fd;
    }
    case FdKind::kTruncated: {
      UniqueFd fd{memfd_create("hostile-short", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
      if (ftruncate(fd.get(), 64) != 0) throw std::runtime_error("ftruncate");
      fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL);
      return fd;
    }
    case FdKind::kDevNull:
      return UniqueFd{open("/dev/null", O_RDWR | O_CLOEXEC)};
    case FdKind::kSocket:
      return socket_.duplicate();
    case FdKind::kFolder:
      return UniqueFd{open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  }
  return {};
}

namespace {

/// Of streams and leases of its own, of another's, and of none.
void add_what_is_handed_back(const HostileClient& client, const std::string& victim, std::vector<wire::BodyUnion>& all) {
  const auto generation = [&](std::uint32_t slots) {
    auto made = std::make_unique<wire::GenerationT>();
    made->id = 1;
    made->image = std::make_unique<wire::ImageT>(*client.create_request("any").image);
    made->slot_count = slots;
    made->transport = wire::Transport::OpaqueFd;
    made->allocation_size = ~std::uint64_t{0};
    return made;
  };
  for (const std::uint64_t stream : {client.stream(), std::uint64_t{1}, ~std::uint64_t{0}}) {
    for (const std::uint32_t slots : {0u, 1u, 3u, ~0u}) {
      wire::HandBackGenerationT part;
      part.stream = stream;
      part.generation = generation(slots);
      all.push_back(body_of(std::move(part)));
    }
    wire::HandBackLeaseT lease;
    lease.stream = stream;
    lease.lease = lease.lease_index = 1;
    lease.mode = wire::ConsumerMode::Every;
    lease.max_holds = lease.queue_depth = ~0u;
    all.push_back(body_of(lease));
    wire::ReclaimStreamT claim;
    claim.stream = stream;
    claim.name = victim;
    claim.device = client.create_request("any").device;
    claim.next_sequence = ~std::uint64_t{0};
    claim.newest_generation = claim.producers = ~0u;
    all.push_back(body_of(std::move(claim)));
    wire::ReclaimLeaseT reclaim;
    reclaim.stream = stream;
    reclaim.name = victim;
    reclaim.lease = 1;
    reclaim.mode = wire::ConsumerMode::Latest;
    reclaim.max_holds = 1;
    reclaim.device = client.create_request("any").device;
    reclaim.newest_generation = reclaim.newest_known = ~0u;
    all.push_back(body_of(std::move(reclaim)));
    for (const std::uint64_t failed_lease : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      wire::ImportFailedT failed;
      failed.stream = stream;
      failed.lease = failed_lease;
      failed.generation = 1;
      failed.reason = std::string(5000, '\x1b');
      all.push_back(body_of(std::move(failed)));
    }
  }
}

}  // namespace

std::vector<wire::BodyUnion> every_message(const HostileClient& client, const std::string& victim) {
  std::vector<wire::BodyUnion> all;
  const auto add = [&](auto table) { all.push_back(body_of(std::move(table))); };
  wire::HelloT hello;
  hello.protocol_min = 7;
  add(std::move(hello));
  add(client.create_request(victim));
  add(client.create_request(std::string(400, 'x')));
  auto huge = client.create_request("huge");
  huge.image->width_px = huge.image->height_px = ~0u;
  huge.min_slots = ~0u;
  add(std::move(huge));
  // Slots of its own, which are none, or more than there may be.
  const auto own_slots = [](std::uint32_t count) {
    auto own = std::make_unique<wire::OwnSlotsT>();
    own->slot_count = count;
    own->allocation_size = count == 3 ? 64 * 64 * 4 : ~std::uint64_t{0};
    own->planes.resize(count == 3 ? 1 : 9);
    return own;
  };
  for (const std::uint32_t slots : {0u, 3u, 71u, ~0u}) {
    auto brings = client.create_request("brings-its-own");
    brings.own = own_slots(slots);
    add(std::move(brings));
  }
  for (const std::uint64_t stream : {client.stream(), std::uint64_t{1}, ~std::uint64_t{0}}) {
    wire::ReconfigureT reconfigure;
    reconfigure.stream = stream;
    add(std::move(reconfigure));
    for (const std::uint32_t slots : {3u, ~0u}) {
      wire::ReconfigureT brings;
      brings.stream = stream;
      brings.image = client.create_request("any").image;
      brings.own = own_slots(slots);
      add(std::move(brings));
    }
    wire::GenerationsRetiredT retired;
    retired.stream = stream;
    retired.newest = ~0u;
    add(retired);
    wire::ReportStarvedT starved;
    starved.stream = stream;
    for (std::uint64_t lease = 0; lease < 300; ++lease) starved.leases.push_back(lease);
    starved.starved_ms = ~0u;
    add(std::move(starved));
    wire::CloseStreamT close;
    close.stream = stream;
    add(close);
    wire::DetachT detach;
    detach.lease = stream;
    add(detach);
    wire::CancelAttachT cancel;
    cancel.request = stream;
    add(cancel);
    wire::QueryStatusT query;
    query.first_stream = stream;
    add(query);
  }
  add(client.attach_request(victim));
  add(client.attach_request("\x1b[2J"));
  add_what_is_handed_back(client, victim, all);
  // What only a broker says.
  add(wire::HelloReplyT{});
  add(wire::RefusedT{});
  add(wire::DoneT{});
  add(wire::StreamCreatedT{});
  add(wire::AttachedT{});
  add(wire::GenerationStartedT{});
  add(wire::ProducerChangedT{});
  add(wire::LeaseAddedT{});
  add(wire::LeaseEndedT{});
  add(wire::StreamStateChangedT{});
  add(wire::StatusReplyT{});
  add(wire::StreamRestoredT{});
  add(wire::LeaseRestoredT{});
  add(wire::GoodbyeT{});
  return all;
}

}  // namespace ferry::test
