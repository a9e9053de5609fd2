#include "tests/unit/daemon/raw_client.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

#include "daemon/wire_convert.h"
#include "platform/clock.h"
#include "tests/support/deadline.h"

namespace ferry::daemon::test {

using platform::UniqueFd;
using proto::ErrorCode;
using namespace std::chrono_literals;

namespace {

constexpr std::int64_t kPatienceNs = 5'000'000'000;

template <class T>
T must(proto::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(result).value();
}

bool readable_within(const UniqueFd& socket, std::int64_t timeout_ns) {
  return must(platform::wait_readable(socket, UniqueFd{}, platform::deadline_after(timeout_ns))).socket;
}

}  // namespace

RawClient::RawClient(const std::string& socket_path) : socket_(must(platform::connect_to(socket_path))) {}

void RawClient::send_bytes(std::span<const std::byte> bytes, FdSpan fds) {
  const auto sent = platform::send_packet_before(socket_, bytes, fds, platform::deadline_after(kPatienceNs));
  if (!sent) throw std::runtime_error(sent.error().message);
}

Received RawClient::receive() {
  if (!readable_within(socket_, kPatienceNs)) throw std::runtime_error("the broker says nothing");
  platform::Packet packet = must(platform::receive_packet(socket_));
  if (packet.bytes.empty()) throw std::runtime_error("the broker closed the session");
  Received received{must(proto::decode(packet.bytes)), std::move(packet.fds)};
  if (received.fds.size() != proto::descriptor_count(*received.envelope))
    throw std::runtime_error(
        fmt::format("{} came with {} descriptors", proto::name_of(received.type()), received.fds.size()));
  return received;
}

void RawClient::fail_unexpected(const Received& received) {
  std::string text = proto::name_of(received.type());
  if (const auto* refused = received.envelope->body.AsRefused()) text += ": " + refused->message;
  if (const auto* goodbye = received.envelope->body.AsGoodbye()) text += ": " + goodbye->message;
  throw std::runtime_error("unexpected " + text);
}

std::string RawClient::expect_refused(ErrorCode code) {
  const auto refused = expect<wire::RefusedT>().first;
  if (refused.code != static_cast<std::int32_t>(code))
    throw std::runtime_error(fmt::format("refused with code {}: {}", refused.code, refused.message));
  return refused.message;
}

std::string RawClient::expect_goodbye(ErrorCode code) {
  const auto goodbye = expect<wire::GoodbyeT>().first;
  if (goodbye.code != static_cast<std::int32_t>(code))
    throw std::runtime_error(fmt::format("goodbye with code {}: {}", goodbye.code, goodbye.message));
  expect_end();
  return goodbye.message;
}

bool RawClient::quiet_for(std::chrono::milliseconds time) {
  return !readable_within(socket_, std::chrono::nanoseconds(time).count());
}

void RawClient::expect_end() {
  if (!readable_within(socket_, kPatienceNs)) throw std::runtime_error("the broker keeps the session");
  const auto packet = platform::receive_packet(socket_);
  if (packet && !packet->bytes.empty())
    throw std::runtime_error(
        fmt::format("{} instead of the end", proto::name_of(must(proto::decode(packet->bytes))->body.type)));
}

wire::HelloReplyT RawClient::greet(const std::string& application) {
  wire::HelloT hello;
  hello.protocol_min = proto::kProtocolVersionMin;
  hello.protocol_max = proto::kProtocolVersionMax;
  hello.library_version = "test";
  hello.application = application;
  send(std::move(hello));
  return expect<wire::HelloReplyT>().first;
}

bool StandIn::can_be_shut_in() {
  const pid_t probe = fork();
  if (probe == 0) _exit(unshare(CLONE_NEWUSER) == 0 ? 0 : 1);
  int status = -1;
  return waitpid(probe, &status, 0) == probe && status == 0;
}

StandIn::StandIn(const std::string& socket_path, Home home)
    : StandIn(socket_path, [home] { return home == Home::kOurs || unshare(CLONE_NEWUSER) == 0; }) {}

StandIn::StandIn(const std::string& socket_path, const std::function<bool()>& become) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0) throw std::runtime_error("socketpair");
  UniqueFd mine{pair[0]}, its{pair[1]};
  pid_ = fork();
  if (pid_ == 0) {
    // Threads of the parent do not exist here: nothing that takes a lock.
    if (!become()) _exit(1);
    const auto connection = platform::connect_to(socket_path);
    const std::byte mark{1};
    const int fd = connection ? connection->get() : -1;
    if (fd < 0 || !platform::send_packet(its, {&mark, 1}, {&fd, 1})) _exit(1);
    // The descriptors that fork copied must not outlive this: whoever waits for their end would wait for ours.
    close_range(3, ~0u, 0);
    for (;;) pause();
  }
  its.reset();
  if (!readable_within(mine, kPatienceNs)) throw std::runtime_error("the stand-in says nothing");
  platform::Packet packet = must(platform::receive_packet(mine));
  if (packet.fds.size() != 1) throw std::runtime_error("the stand-in could not connect");
  client_ = std::make_unique<RawClient>(std::move(packet.fds.front()));
}

void StandIn::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

wire::DeviceT device_of(const platform::DeviceCapabilities& capabilities) { return to_wire(capabilities); }

RawProducer::RawProducer(RawClient& session, const platform::DeviceCapabilities& device, std::string stream_name)
    : client(session),
      page(must(platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "test-stream"))) {
  request.name = std::move(stream_name);
  request.image = std::make_unique<wire::ImageT>();
  request.image->width_px = 64;
  request.image->height_px = 32;
  request.image->format = static_cast<std::uint8_t>(proto::Format::kRgba8Unorm);
  request.device = std::make_unique<wire::DeviceT>(device_of(device));
  request.queue_policy = wire::QueuePolicy::Drop;
  request.frames_in_flight = 2;
}

void RawProducer::create(FdSpan slots) {
  send(slots);
  take_answer();
}

void RawProducer::send(FdSpan slots) {
  std::vector<int> numbers{page.fd().get()};
  numbers.insert(numbers.end(), slots.begin(), slots.end());
  client.send(request, numbers);
}

void RawProducer::take_answer() {
  auto [answer, received] = client.expect<wire::StreamCreatedT>();
  created = answer;
  fds = std::move(received.fds);
  verdict = must(platform::PeerPage<proto::VerdictPage>::map(fds[0], proto::PageKind::kVerdict));
  next_sequence = created.first_sequence;
}

void RawProducer::publish(std::uint32_t generation, std::uint32_t slot, std::uint64_t acquire_point) {
  proto::FrameRecord record{};
  record.sequence = next_sequence++;
  record.generation = generation;
  record.slot = slot;
  record.acquire_point = acquire_point;
  record.produced_ns = static_cast<std::uint64_t>(platform::now_ns());
  record.orientation = proto::Orientation::kNormal;
  proto::StreamPageWriter(page.page()).publish(record);
}

RawConsumer::RawConsumer(RawClient& session, const platform::DeviceCapabilities& device, std::string stream_name)
    : client(session),
      page(must(platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "test-lease"))) {
  request.name = std::move(stream_name);
  request.device = std::make_unique<wire::DeviceT>(device_of(device));
  request.mode = wire::ConsumerMode::Latest;
  request.max_holds = 2;
  page.page().cursor = proto::FrameTaker::kNotReading;
}

std::uint64_t RawConsumer::send() {
  const int fd = page.fd().get();
  return client.send(request, {&fd, 1});
}

void RawConsumer::take_answer() {
  auto [answer, received] = client.expect<wire::AttachedT>();
  attached = answer;
  fds = std::move(received.fds);
  verdict = must(platform::PeerPage<proto::VerdictPage>::map(fds[0], proto::PageKind::kVerdict));
}

void RawConsumer::detach() {
  wire::DetachT request_end;
  request_end.lease = attached.lease;
  client.send(std::move(request_end));
  client.expect<wire::DoneT>();
}

}  // namespace ferry::daemon::test
