#include "tests/torture/cycles.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <iterator>

#include "platform/message_socket.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::torture {
namespace {

using daemon::test::RawClient;

/// How far they get.
enum class State : std::uint8_t { kConnected, kGreeted, kAsked, kAttached, kHolding, kLeft, kWaiting };
struct Named {
  State state;
  const char* name;
};
constexpr Named kConsumerStates[] = {{State::kConnected, "connected"},
                                     {State::kGreeted, "greeted"},
                                     {State::kAsked, "has asked to attach, the answer unread"},
                                     {State::kAttached, "attached"},
                                     {State::kHolding, "attached, holding a slot"},
                                     {State::kLeft, "detached"},
                                     {State::kWaiting, "waiting for a stream"}};
constexpr Named kProducerStates[] = {{State::kConnected, "connected"},
                                     {State::kGreeted, "greeted"},
                                     {State::kAsked, "has asked for a stream, the answer unread"},
                                     {State::kAttached, "has a stream"},
                                     {State::kLeft, "has closed its stream"}};

/// What the killed process does until then: no driver, so that thousands of them take minutes.
void produce_until(State state, RawClient& client, const wire::HelloReplyT& hello, int number) {
  auto page = *platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "cycle");
  wire::CreateStreamT request;
  request.name = "cycle" + std::to_string(number);
  request.image = std::make_unique<wire::ImageT>();
  request.image->width_px = 64;
  request.image->height_px = 32;
  request.image->format = static_cast<std::uint8_t>(proto::Format::kRgba8Unorm);
  request.device = std::make_unique<wire::DeviceT>(*hello.devices.front());
  request.frames_in_flight = 2;
  const int fd = page.fd().get();
  client.send(request, {&fd, 1});
  if (state == State::kAsked) return;
  const auto [created, received] = client.expect<wire::StreamCreatedT>();
  if (state != State::kLeft) return;
  wire::CloseStreamT close;
  close.stream = created.stream;
  client.send(close);
  client.expect<wire::DoneT>();
}

void consume_until(State state, RawClient& client, const wire::HelloReplyT& hello, int number) {
  auto page = *platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "cycle");
  page.page().cursor = proto::FrameTaker::kNotReading;
  wire::AttachT request;
  request.name = state == State::kWaiting ? "absent" : "cam";
  request.wait = state == State::kWaiting;
  request.device = std::make_unique<wire::DeviceT>(*hello.devices.front());
  request.mode = wire::ConsumerMode::Latest;
  request.max_holds = 1;
  const int fd = page.fd().get();
  client.send(request, {&fd, 1});
  if (state == State::kAsked || state == State::kWaiting) return;
  const auto [attached, received] = client.expect<wire::AttachedT>();
  if (state == State::kHolding) page.page().slots[static_cast<std::size_t>(number) % 4].held = 1;
  if (state != State::kLeft) return;
  wire::DetachT detach;
  detach.lease = attached.lease;
  client.send(detach);
  while (client.receive().type() != wire::Body::Done) {
  }
}

void come_and_stay(const std::string& socket, bool as_producer, State state, int number, int ready_fd) {
  RawClient client(socket);
  wire::HelloReplyT hello;
  if (state != State::kConnected) hello = client.greet("cycle");
  if (state != State::kConnected && state != State::kGreeted)
    (as_producer ? produce_until : consume_until)(state, client, hello, number);
  const bool told = ::write(ready_fd, "x", 1) == 1;
  while (told) ::pause();
}

bool one_cycle(const std::string& socket, bool as_producer, State state, int number) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return false;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      come_and_stay(socket, as_producer, state, number, ready[1]);
    } catch (...) {
    }
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte;
  const bool got_there = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return got_there;
}

}  // namespace

void run_cycles(World& world, int count, std::mt19937& random, Ledger& ledger) {
  const auto cycle = [&](bool as_producer, const Named& way, int number) {
    Outcome outcome;
    outcome.reached = one_cycle(world.broker().socket(), as_producer, way.state, number);
    outcome.failure = outcome.reached ? "" : "the broker did not take it in";
    ledger.enter({as_producer ? "producer" : "consumer, latest", "SIGKILL", std::string("in a row: ") + way.name}, outcome);
  };
  // Once each, for the slots that a pool grows by and keeps.
  for (const Named& way : kConsumerStates) cycle(false, way, 0);
  for (const Named& way : kProducerStates) cycle(true, way, 0);
  const Footprint usual = world.settled_footprint();
  const World::Sum before = world.books();
  const auto streams = world.status()["streams"].size();
  for (int i = 0; i < count; ++i) cycle(false, kConsumerStates[random() % std::size(kConsumerStates)], i);
  for (int i = 0; i < count; i += 3) cycle(true, kProducerStates[random() % std::size(kProducerStates)], i);  // takes longer
  Outcome after;
  after.reached = true;
  after.failure = world.flows(30);
  const World::Sum now = world.books();
  after.frames = now.frames - before.frames;
  after.wrong_frames = now.wrong - before.wrong;
  after.lost_frames = now.missing_by_every - before.missing_by_every;
  const bool settled = world.status_is([&](const auto& status) {
    return status["streams"].size() <= streams && stream_in(status, "cam")["consumers"].size() == 2;
  });
  if (!settled) after.failure += "something of them is left: " + world.status().dump() + "; ";
  const Footprint left = world.settled_footprint();
  if (!left.fits(usual)) after.failure += fmt::format("the broker has {} instead of {}; ", left.text(), usual.text());
  if (!after.failure.empty()) std::printf("after all of those: %s\n", after.failure.c_str());
  ledger.enter({"everybody", "", "after all of those in a row"}, after);
}

}  // namespace ferry::torture
