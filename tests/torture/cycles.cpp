#include "tests/torture/cycles.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "platform/message_socket.h"
#include "tests/unit/daemon/raw_client.h"

namespace ferry::torture {
namespace {

using namespace std::chrono_literals;
using daemon::test::RawClient;

/// What the killed process does until then: no driver, so that thousands of them take minutes.
void attach_and_wait(const std::string& socket, bool as_producer, int number, int ready_fd) {
  RawClient client(socket);
  const auto hello = client.greet("cycle");
  const auto device = [&] { return std::make_unique<wire::DeviceT>(*hello.devices.front()); };
  if (as_producer) {
    auto page = *platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kStream, "cycle");
    wire::CreateStreamT request;
    request.name = "cycle" + std::to_string(number);
    request.image = std::make_unique<wire::ImageT>();
    request.image->width_px = 64;
    request.image->height_px = 32;
    request.image->format = static_cast<std::uint8_t>(proto::Format::kRgba8Unorm);
    request.device = device();
    request.frames_in_flight = 2;
    const int fd = page.fd().get();
    client.send(request, {&fd, 1});
    client.expect<wire::StreamCreatedT>();
  } else {
    auto page = *platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "cycle");
    page.page().cursor = proto::FrameTaker::kNotReading;
    page.page().slots[static_cast<std::size_t>(number) % 4].held = 1;  // dies holding
    wire::AttachT request;
    request.name = "cam";
    request.device = device();
    request.mode = wire::ConsumerMode::Latest;
    request.max_holds = 1;
    const int fd = page.fd().get();
    client.send(request, {&fd, 1});
    client.expect<wire::AttachedT>();
  }
  const bool told = ::write(ready_fd, "x", 1) == 1;
  while (told) ::pause();
}

bool one_cycle(const std::string& socket, bool as_producer, int number) {
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) return false;
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    try {
      attach_and_wait(socket, as_producer, number, ready[1]);
    } catch (...) {
    }
    ::_exit(1);
  }
  ::close(ready[1]);
  char byte;
  const bool attached = ::read(ready[0], &byte, 1) == 1;
  ::close(ready[0]);
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return attached;
}

}  // namespace

void run_cycles(World& world, int count, Ledger& ledger) {
  const World::Sum before = world.books();
  const auto streams = world.status()["streams"].size();
  for (const bool as_producer : {false, true}) {
    Outcome outcome;
    const Fault fault{as_producer ? "producer" : "consumer, latest", "SIGKILL", "attached, thousands in a row"};
    for (int i = 0; i < count; ++i) {
      if (i % 3 != 0 && as_producer) continue;  // allocating takes longer
      outcome.reached = one_cycle(world.broker().socket(), as_producer, i);
      outcome.failure = outcome.reached ? "" : "the broker did not take it in";
      ledger.enter(fault, outcome);
    }
  }
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
  if (!settled) after.failure += "something of them is left: " + world.status().dump();
  ledger.enter({"everybody", "", "after all of those"}, after);
}

}  // namespace ferry::torture
