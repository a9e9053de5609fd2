// What the service manager has kept of a broker, and what clients say to the next one.

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "daemon/kept_entry.h"
#include "platform/file_identity.h"
#include "platform/parcel.h"
#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using proto::LeaseId;
using proto::VerdictPageReader;
using namespace std::chrono_literals;

constexpr const char* kStrangersMayView = "[[rule]]\nallow = ['view']\nsandbox = 'user-namespace'\n";

/// A stream with one lease, whose broker is gone, and which the manager has kept.
class Kept : public Reclaims {
 protected:
  void SetUp() override {
    grace_ms = 1500;  // nobody here is in a hurry, unless a test waits for its end
    manager = std::make_unique<ferry::test::ServiceManager>(folder.file("notify"));
    Reclaims::SetUp();
  }
  std::vector<std::string> names() {
    broker->on_loop([] {});
    manager->catch_up();
    return manager->names();
  }
  std::string name_of(const char* kind, std::uint64_t part) const {
    return "ferry-" + std::string(kind) + "-" + std::to_string(producer->created.stream) + "." + std::to_string(part);
  }
  void with_dead_producer() {
    producer->page.page().writer.started_ticks = 1;
    come_back(Policy({}, geteuid()));
  }
  void with_dead_consumer() {
    consumer->page.page().writer.started_ticks = 1;
    come_back(Policy({}, geteuid()));
  }
  wire::ReclaimStreamT own_claim() const {
    auto claim = stream_claim();
    claim.newest_generation = 1;
    return claim;
  }
  /// A broker that lets sandboxes view, to which the producer has handed its stream back.
  void come_back_for_strangers() {
    come_back(Policy(parse_config(kStrangersMayView, "test.toml")->rules, geteuid()));
    send_stream_claim(*renderer, own_claim());
    restored_stream();
  }
  /// Whether @p fds end with the slots that the first broker allocated.
  bool are_the_same_slots(std::span<const platform::UniqueFd> fds) const {
    const std::size_t slots = producer->created.generation->slot_count;
    const auto theirs = fds.last(slots);
    const auto ours = std::span(producer->fds).last(slots);
    return std::equal(theirs.begin(), theirs.end(), ours.begin(), [](const auto& a, const auto& b) {
      return platform::identify_file(a)->same_file(*platform::identify_file(b));
    });
  }
};

TEST_F(Kept, AStreamIsThereBeforeAnybodyHandsItBack) {
  const auto seen = status(*viewer);
  ASSERT_EQ(seen.streams.size(), 1u);
  EXPECT_EQ(seen.streams[0]->stream, producer->created.stream);
  EXPECT_EQ(seen.streams[0]->name, "cam");
  EXPECT_EQ(seen.streams[0]->state, wire::StreamState::Live) << "its producer lives";
  EXPECT_EQ(seen.streams[0]->memory_bytes,
            producer->created.generation->allocation_size * producer->created.generation->slot_count);
  RawClient newcomer = connect("newcomer");
  RawConsumer late(newcomer, device(), "cam");
  late.attach();  // at once: the broker knows who has which place
  EXPECT_NE(late.attached.lease_index, added.lease_index);
  EXPECT_GT(late.attached.lease, added.lease);
  EXPECT_EQ(late.attached.generation->id, 1u);
  EXPECT_TRUE(are_the_same_slots(late.fds));
}

TEST_F(Kept, EverybodyClaimsAsEver) {
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  const auto verdict = restored_stream();
  EXPECT_TRUE(VerdictPageReader(verdict.page()).is_alive(added.lease_index, LeaseId{added.lease}));
  send_lease_claim(*viewer, lease_claim());
  EXPECT_EQ(viewer->expect<wire::LeaseRestoredT>().first.lease, added.lease);
  EXPECT_TRUE(renderer->quiet_for(300ms)) << "it knows the lease and the generation, and nobody is given up";
  EXPECT_TRUE(viewer->quiet_for(10ms));
  const auto after = status(*viewer);
  ASSERT_EQ(after.streams.size(), 1u);
  EXPECT_EQ(after.streams[0]->leases.size(), 1u);
  EXPECT_EQ(after.broker->memory_bytes,
            producer->created.generation->allocation_size * producer->created.generation->slot_count)
      << "paid for once";
  EXPECT_EQ(names(), (std::vector<std::string>{name_of("generation", 1), name_of("lease", added.lease), name_of("stream", 1)}));
}

TEST_F(Kept, EverybodyClaimsInTheOtherOrder) {
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  EXPECT_TRUE(renderer->quiet_for(300ms)) << "it has told of the lease itself";
  EXPECT_TRUE(viewer->quiet_for(10ms));
}

TEST_F(Kept, ALeaseThatTheProducerWasNeverToldOfIsIntroduced) {
  send_stream_claim(*renderer, own_claim());  // without the lease
  restored_stream();
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  EXPECT_EQ(renderer->expect<wire::LeaseAddedT>().first.lease, added.lease);
  viewer->expect<wire::ProducerChangedT>();
}

TEST_F(Kept, AGenerationThatTheProducerWasNeverToldOfIsMadeUpFor) {
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  wire::ReconfigureT resize;
  resize.stream = producer->created.stream;
  resize.image = std::make_unique<wire::ImageT>(*producer->created.generation->image);
  resize.image->width_px = 128;
  renderer->send(std::move(resize));
  const auto resized = renderer->expect<wire::GenerationStartedT>().first;
  come_back(Policy({}, geteuid()));  // as if that answer had never come
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  const auto told = renderer->expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(told.generation->id, resized.generation->id);
  EXPECT_EQ(told.generation->image->width_px, 128u);
}

TEST_F(Kept, TheLastFrameOfADeadProducerIsShownToNewcomers) {
  with_dead_producer();
  EXPECT_EQ(status(*viewer).streams[0]->state, wire::StreamState::Orphaned);
  EXPECT_EQ(*gpu->counters().front(), 1u) << "what the dead one promised is signalled";
  RawConsumer late(*viewer, device(), "cam");
  late.attach();
  EXPECT_EQ(late.attached.state, wire::StreamState::Orphaned);
  EXPECT_TRUE(are_the_same_slots(late.fds));
  RawProducer next(*renderer, device(), "cam");
  next.create();
  EXPECT_EQ(next.created.stream, producer->created.stream);
  EXPECT_EQ(next.created.first_sequence, 2u) << "numbers are never used again";
  EXPECT_EQ(next.created.generation->id, 2u);
  EXPECT_EQ(viewer->expect<wire::ProducerChangedT>().first.generation->id, 2u);
  const auto left = names();
  EXPECT_TRUE(std::count(left.begin(), left.end(), name_of("stream", 2)) == 1 &&
              std::count(left.begin(), left.end(), name_of("stream", 1)) == 0)
      << "the next broker finds the new producer";
}

TEST_F(Kept, ALeaseOfADeadConsumerIsGone) {
  with_dead_consumer();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  EXPECT_EQ(status(*viewer).streams[0]->leases.size(), 0u);
  EXPECT_EQ(names(), (std::vector<std::string>{name_of("generation", 1), name_of("stream", 1)}));
}

TEST_F(Kept, WhatNobodyClaimsEndsAfterTheGracePeriod) {
  EXPECT_EQ(names().size(), 3u);
  EXPECT_TRUE(manager->wait_stored([](const auto& left) { return left.empty(); }, 10s)) << names().size();
  const auto seen = status(*viewer);
  EXPECT_TRUE(seen.streams.empty()) << "its producer lives, and does not want it";
  EXPECT_EQ(seen.broker->memory_bytes, 0u);
}

TEST_F(Kept, NothingIsKeptOfWhatHasEnded) {
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  consumer->detach();
  EXPECT_EQ(names(), (std::vector<std::string>{name_of("generation", 1), name_of("stream", 1)}));
  wire::CloseStreamT close;
  close.stream = producer->created.stream;
  renderer->expect<wire::LeaseEndedT>();
  renderer->send(close);
  renderer->expect<wire::DoneT>();
  EXPECT_TRUE(names().empty());
}

TEST_F(Kept, AProducersLieAboutATextureIsNotBelieved) {
  const auto page = platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "lie");
  std::vector<platform::UniqueFd> lies;
  for (std::size_t i = 1; i < producer->fds.size(); ++i) lies.push_back(page->fd().duplicate());
  hand_back_generation(*renderer, *producer->created.generation, lies);
  const int fd = producer->page.fd().get();
  renderer->send(own_claim(), {&fd, 1});
  restored_stream();
  RawConsumer late(*viewer, device(), "cam");
  late.attach();
  EXPECT_TRUE(are_the_same_slots(late.fds));
}

TEST_F(Kept, AStrangerIsGivenWhatABrokerAllocated) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  come_back_for_strangers();
  StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
  stranger.client().greet("stranger");
  RawConsumer late(stranger.client(), device(), "cam");
  late.attach();
  EXPECT_EQ(late.attached.generation->id, 1u) << "no new one for it";
  EXPECT_FALSE(late.attached.generation->has_timeline);
  EXPECT_TRUE(are_the_same_slots(late.fds));
}

TEST_F(Kept, WhatAClientHandedBackOnceStaysThat) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  manager->forget("ferry-");
  come_back(Policy({}, geteuid()));
  EXPECT_TRUE(status(*viewer).streams.empty()) << "nobody has kept it";
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  EXPECT_EQ(names(), (std::vector<std::string>{name_of("generation", 1), name_of("stream", 1)}));
  come_back_for_strangers();
  StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
  stranger.client().greet("stranger");
  RawConsumer late(stranger.client(), device(), "cam");
  late.attach();
  EXPECT_EQ(late.attached.generation->id, 2u) << "slots that a broker allocated";
}

TEST_F(Kept, NewcomersWaitWhenALeaseIsMissing) {
  manager->forget(name_of("lease", added.lease));
  come_back(Policy({}, geteuid()));
  RawClient newcomer = connect("newcomer");
  RawConsumer late(newcomer, device(), "cam");
  late.send();
  EXPECT_TRUE(newcomer.quiet_for(20ms)) << "only the producer knows who has which place";
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  late.take_answer();
  EXPECT_NE(late.attached.lease_index, added.lease_index);
}

TEST_F(Kept, WithoutATextureTheStreamIsWhatClientsSay) {
  manager->forget("ferry-generation-");
  come_back(Policy({}, geteuid()));
  EXPECT_TRUE(status(*viewer).streams.empty());
  EXPECT_TRUE(names().empty()) << "nothing of it stays with the manager";
  hand_back_lease();
  send_stream_claim(*renderer, own_claim());
  restored_stream();
  EXPECT_EQ(status(*viewer).streams.size(), 1u);
}

/// Entry @p name, changed.
void replace(ferry::test::ServiceManager& manager, const std::string& name,
             const std::function<void(kept::EntryT&, std::vector<platform::UniqueFd>&)>& change) {
  for (auto& [kept_name, fd] : manager.stored()) {
    if (kept_name != name) continue;
    auto packet = platform::unpack_parcel(fd);
    ASSERT_TRUE(packet) << packet.error().message;
    auto entry = decode_kept(packet->bytes, packet->fds.size());
    ASSERT_TRUE(entry) << entry.error().message;
    change(**entry, packet->fds);
    manager.forget(name);
    auto parcel = platform::pack_parcel(encode_kept(std::move((*entry)->body)), numbers(packet->fds));
    ASSERT_TRUE(parcel) << parcel.error().message;
    manager.put(name, std::move(*parcel));
  }
}

struct Change {
  const char* what;
  const char* kind;
  std::function<void(kept::EntryT&, std::vector<platform::UniqueFd>&)> change;
};

TEST_F(Kept, WhatDoesNotFitIsRefusedAndLetGo) {
  const auto unsealed = [] {
    platform::UniqueFd fd{memfd_create("unsealed", MFD_ALLOW_SEALING)};
    EXPECT_EQ(ftruncate(fd.get(), sizeof(proto::StreamPage)), 0);
    return fd;
  };
  const Change changes[] = {
      {"another user's page", "stream", [](auto& entry, auto&) { ++entry.body.AsStream()->uid; }},
      {"another stream", "stream", [](auto& entry, auto&) { ++entry.body.AsStream()->claim->stream; }},
      {"no name", "stream", [](auto& entry, auto&) { entry.body.AsStream()->claim->name.clear(); }},
      {"no device", "stream", [](auto& entry, auto&) { entry.body.AsStream()->claim->device.reset(); }},
      {"a page without seals", "stream", [&](auto&, auto& fds) { fds[0] = unsealed(); }},
      {"the wrong page", "stream", [](auto&, auto& fds) { std::swap(fds[0], fds[1]); }},
      {"no texture", "generation", [](auto& entry, auto& fds) {
         entry.body.AsGeneration()->part->generation->slot_count = 0;
         fds.resize(1);
       }},
      {"no image", "generation", [](auto& entry, auto&) { entry.body.AsGeneration()->part->generation->image.reset(); }},
      {"a socket for a texture", "generation", [&](auto&, auto& fds) {
         int ends[2];
         ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
         close(ends[1]);
         fds.back().reset(ends[0]);
       }},
  };
  for (const Change& change : changes) {
    SCOPED_TRACE(change.what);
    // What was there is with the manager again, because this broker has put it back.
    replace(*manager, name_of(change.kind, 1), change.change);
    come_back(Policy({}, geteuid()));
    EXPECT_TRUE(status(*viewer).streams.empty());
    EXPECT_TRUE(names().empty());
    send_stream_claim(*renderer, own_claim());
    restored_stream();
    EXPECT_EQ(status(*viewer).streams.size(), 1u) << "clients bring it back all the same";
  }
}

TEST_F(Kept, RubbishIsRefusedAndLetGo) {
  manager->put("ferry-stream-99.1", platform::UniqueFd{memfd_create("rubbish", 0)});
  manager->put("ferry-of-tomorrow-1.1", platform::UniqueFd{memfd_create("rubbish", 0)});
  manager->put("ferry-lease-99.7", std::move(*platform::pack_parcel(std::vector<std::byte>(100), {})));
  come_back(Policy({}, geteuid()));
  EXPECT_EQ(status(*viewer).streams.size(), 1u);
  EXPECT_EQ(names().size(), 3u) << "the stream's";
}

}  // namespace
}  // namespace ferry::daemon::test
