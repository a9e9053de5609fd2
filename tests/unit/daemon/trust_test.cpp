// Consumers that must not be trusted: what they are given, and what they are refused.

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;

/// A process in a user namespace of its own is another trust domain, and needs no privilege to become one.
class Trust : public BrokerTest {
 protected:
  void start_with(const std::string& rules, bool has_timelines = true) {
    auto config = parse_config(rules, "test.toml");
    ASSERT_TRUE(config) << config.error().message;
    start({}, has_timelines, Policy(std::move(config->rules), geteuid()));
  }
  std::unique_ptr<StandIn> stranger() {
    auto process = std::make_unique<StandIn>(broker->socket(), StandIn::Home::kUserNamespace);
    process->client().greet("stranger");
    return process;
  }
  void SetUp() override {
    if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  }
};

constexpr const char* kStrangersMayView = "[[rule]]\nallow = ['view']\nsandbox = 'user-namespace'\n";
constexpr const char* kStrangersMayAll = "[[rule]]\nallow = ['view', 'produce']\nsandbox = 'user-namespace'\n";

TEST_F(Trust, AStrangerIsRefusedAndLearnsNothing) {
  start_with("");
  RawClient owner = connect("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  const auto process = stranger();
  RawClient& client = process->client();
  for (const char* name : {"cam", "no-such-stream"}) {
    RawConsumer consumer(client, device(), name);
    consumer.send();
    const std::string why = client.expect_refused(ErrorCode::kPermissionDenied);
    EXPECT_NE(why.find("no rule for uid"), std::string::npos) << why;
    EXPECT_NE(why.find("user-namespace"), std::string::npos) << why;
  }
  RawProducer rival(client, device(), "mine");
  const int page = rival.page.fd().get();
  client.send(rival.request, {&page, 1});
  client.expect_refused(ErrorCode::kPermissionDenied);
  client.send(wire::QueryStatusT{});
  EXPECT_TRUE(client.expect<wire::StatusReplyT>().first.streams.empty());
}

TEST_F(Trust, WhoMayProduceIsNotShownWhatOthersDo) {
  start_with("[[rule]]\nallow = ['produce']\nsandbox = 'user-namespace'\n");
  RawClient owner = connect("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  const auto process = stranger();
  RawProducer own(process->client(), device(), "mine");
  own.create();
  process->client().send(wire::QueryStatusT{});
  const auto seen = process->client().expect<wire::StatusReplyT>().first;
  ASSERT_EQ(seen.streams.size(), 1u);
  EXPECT_EQ(seen.streams[0]->name, "mine");
}

TEST_F(Trust, AStrangerThatWaitsIsRefusedWhenTheStreamComes) {
  start_with("");
  const auto process = stranger();
  RawConsumer consumer(process->client(), device(), "cam");
  consumer.request.wait = true;
  consumer.send();
  EXPECT_TRUE(process->client().quiet_for(std::chrono::milliseconds(100)));
  RawClient owner = connect("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  process->client().expect_refused(ErrorCode::kPermissionDenied);
}

TEST_F(Trust, AStrangerThatMayViewIsGivenNoTimeline) {
  start_with(kStrangersMayView);
  RawClient owner = connect("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  ASSERT_TRUE(producer.created.generation->has_timeline);
  const auto process = stranger();
  RawConsumer consumer(process->client(), device(), "cam");
  consumer.attach();
  EXPECT_EQ(consumer.attached.sync_mode, wire::SyncMode::Host);
  EXPECT_TRUE(consumer.attached.completed_only);
  EXPECT_FALSE(consumer.attached.has_release_timeline);
  EXPECT_FALSE(consumer.attached.generation->has_timeline);
  EXPECT_EQ(consumer.fds.size(), 3u + consumer.attached.generation->slot_count) << "pages, channel, slots";
  EXPECT_NE(consumer.attached.sync_reason.find("user-namespace"), std::string::npos) << consumer.attached.sync_reason;
  const auto added = owner.expect<wire::LeaseAddedT>().first;
  EXPECT_TRUE(added.completed_only);
  EXPECT_FALSE(added.has_release_timeline);
  EXPECT_EQ(gpu->counters().size(), 1u) << "one acquire timeline, no release timeline";

  // Nor one of a later generation.
  wire::ReconfigureT bigger;
  bigger.stream = producer.created.stream;
  bigger.image = std::make_unique<wire::ImageT>(*producer.request.image);
  bigger.image->width_px *= 2;
  owner.send(std::move(bigger));
  EXPECT_TRUE(owner.expect<wire::GenerationStartedT>().first.generation->has_timeline);
  EXPECT_FALSE(process->client().expect<wire::GenerationStartedT>().first.generation->has_timeline);

  owner.send(wire::QueryStatusT{});
  const auto status = owner.expect<wire::StatusReplyT>().first;
  EXPECT_EQ(status.streams[0]->sync_mode, wire::SyncMode::Timeline);
  EXPECT_EQ(status.streams[0]->leases[0]->sync_mode, wire::SyncMode::Host);
  EXPECT_EQ(status.streams[0]->leases[0]->sync_reason, consumer.attached.sync_reason);
}

TEST_F(Trust, AFriendBesideItHasItsTimelines) {
  start_with(kStrangersMayView);
  RawClient owner = connect("owner");
  RawProducer producer(owner, device(), "cam");
  producer.create();
  RawConsumer consumer(owner, device(), "cam");
  consumer.attach();
  EXPECT_EQ(consumer.attached.sync_mode, wire::SyncMode::Timeline);
  EXPECT_FALSE(consumer.attached.completed_only);
  EXPECT_TRUE(consumer.attached.has_release_timeline && consumer.attached.generation->has_timeline);
}

TEST_F(Trust, AStrangerDoesNotTakeAStreamOver) {
  start_with(kStrangersMayAll);
  auto first = stand_in("owner");
  RawProducer producer(first->client(), device(), "cam");
  producer.create();
  RawClient viewer = connect("viewer");
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  first->kill();
  EXPECT_EQ(viewer.expect<wire::StreamStateChangedT>().first.state, wire::StreamState::Orphaned);

  const auto process = stranger();
  RawProducer thief(process->client(), device(), "cam");
  const int page = thief.page.fd().get();
  process->client().send(thief.request, {&page, 1});
  const std::string why = process->client().expect_refused(ErrorCode::kPermissionDenied);
  EXPECT_NE(why.find("belongs to uid"), std::string::npos) << why;
  RawClient heir = connect("heir");
  RawProducer second(heir, device(), "cam");
  second.create();
  viewer.expect<wire::ProducerChangedT>();
}

/// A device that can also take part in host-memory.
platform::DeviceCapabilities able(std::uint8_t number = 1) {
  platform::DeviceCapabilities capabilities = FakeGpu(number).capabilities();
  capabilities.host_memory = true;
  return capabilities;
}

/// Strangers that may view a stream have no say in how it crosses.
class StrangersWay : public Trust {
 protected:
  void SetUp() override {
    Trust::SetUp();
    if (IsSkipped()) return;
    start_with(kStrangersMayView);
    client = std::make_unique<RawClient>(connect("renderer"));
    foreign = stranger();
  }
  void create(const platform::DeviceCapabilities& device) {
    producer = std::make_unique<RawProducer>(*client, device, "cam");
    producer->create();
  }
  std::unique_ptr<RawConsumer> attach(const platform::DeviceCapabilities& device) {
    auto consumer = std::make_unique<RawConsumer>(foreign->client(), device, "cam");
    consumer->attach();
    client->expect<wire::LeaseAddedT>();
    return consumer;
  }
  wire::StreamStatusT status() {
    client->send(wire::QueryStatusT{});
    auto reply = client->expect<wire::StatusReplyT>().first;
    return std::move(*reply.streams.at(0));
  }
  void expect_nothing_changed() {
    EXPECT_TRUE(client->quiet_for(std::chrono::milliseconds(50))) << "the producer is left in peace";
    const auto now = status();
    EXPECT_EQ(now.generation->id, 1u);
    EXPECT_EQ(now.generation->transport, producer->created.generation->transport);
    EXPECT_EQ(now.generation->modifier, producer->created.generation->modifier);
    EXPECT_EQ(now.generation->slot_count, producer->created.generation->slot_count);
    EXPECT_EQ(now.sync_mode, producer->created.sync_mode);
  }
  void expect_conflict(const std::unique_ptr<wire::ConflictT>& conflict, const std::string& constraint,
                       const std::vector<std::string>& theirs, const std::vector<std::string>& ours) {
    ASSERT_TRUE(conflict);
    EXPECT_NE(conflict->party.find("'stranger'"), std::string::npos) << conflict->party;
    EXPECT_EQ(conflict->constraint, constraint);
    EXPECT_EQ(conflict->party_has, theirs);
    EXPECT_EQ(conflict->others_have, ours);
  }

  std::unique_ptr<RawClient> client;
  std::unique_ptr<StandIn> foreign;
  std::unique_ptr<RawProducer> producer;
};

TEST_F(StrangersWay, IsTheOneInUseOrNone) {
  create(able());
  RawConsumer needs_host_memory(foreign->client(), able(), "cam");
  needs_host_memory.request.device->transports = {wire::Transport::HostMemory};
  needs_host_memory.send();
  const auto refused = foreign->client().expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("stream 'cam': consumer 'stranger'"), std::string::npos) << refused.message;
  EXPECT_NE(refused.message.find("not changed for another trust domain"), std::string::npos) << refused.message;
  expect_conflict(refused.conflict, "transport", {"host-memory"}, {"opaque-fd"});
  RawConsumer elsewhere(foreign->client(), able(9), "cam");
  elsewhere.send();
  const auto other_device = foreign->client().expect<wire::RefusedT>().first;
  ASSERT_TRUE(other_device.conflict);
  EXPECT_EQ(other_device.conflict->constraint, "device");
  expect_nothing_changed();
}

TEST_F(StrangersWay, LeavesTheOthersTheirTimelines) {
  create(able());
  auto host_alone = able();
  host_alone.timeline_fd = false;
  const auto consumer = attach(host_alone);
  EXPECT_EQ(consumer->attached.sync_mode, wire::SyncMode::Host);
  EXPECT_TRUE(consumer->attached.completed_only);
  EXPECT_EQ(consumer->attached.generation->id, 1u);
  expect_nothing_changed();
  RawConsumer friendly(*client, able(), "cam");
  friendly.attach();
  EXPECT_TRUE(friendly.attached.has_release_timeline);
}

TEST_F(StrangersWay, EndsForItAloneWhenItsImportFails) {
  create(able());
  const auto consumer = attach(able());
  wire::ImportFailedT failed;
  failed.stream = producer->created.stream;
  failed.lease = consumer->attached.lease;
  failed.generation = 1;
  failed.reason = "vkAllocateMemory: it says";
  foreign->client().tell(failed);
  const auto ended = foreign->client().expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.reason, wire::EndReason::Evicted);
  EXPECT_NE(ended.message.find("it says"), std::string::npos) << ended.message;
  expect_conflict(ended.conflict, "transport", {"host-memory"}, {"opaque-fd"});
  EXPECT_EQ(client->expect<wire::LeaseEndedT>().first.lease, consumer->attached.lease);
  expect_nothing_changed();
  attach(able());  // the session goes on
}

TEST_F(StrangersWay, CostsTheProducerNoSlots) {
  create(able());
  RawConsumer greedy(foreign->client(), able(), "cam");
  greedy.request.mode = wire::ConsumerMode::Every;
  greedy.request.max_holds = proto::kMaxHolds;
  greedy.request.queue_depth = proto::kMaxQueueDepth;
  greedy.attach();
  client->expect<wire::LeaseAddedT>();
  expect_nothing_changed();
  // Nor does it in a pool that grows for somebody else.
  RawClient viewer = connect("viewer");
  RawConsumer friendly(viewer, able(), "cam");
  friendly.request.max_holds = 5;
  friendly.attach();
  EXPECT_EQ(client->expect<wire::LeaseAddedT>().first.lease, friendly.attached.lease);
  const auto grown = client->expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(grown.generation->slot_count, producer->created.generation->slot_count * 3 / 2);
}

TEST_F(StrangersWay, IsNotWaitedForWhenTheOwnersChangeTheirs) {
  create(able());
  const auto follows = attach(able());
  auto cannot = able();
  cannot.host_memory = false;
  const auto stays_behind = attach(cannot);
  RawClient viewer = connect("viewer");
  RawConsumer friendly(viewer, able(9), "cam");
  friendly.attach();
  EXPECT_EQ(friendly.attached.generation->transport, wire::Transport::HostMemory);
  const auto ended = foreign->client().expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.lease, stays_behind->attached.lease);
  EXPECT_EQ(ended.reason, wire::EndReason::Evicted);
  EXPECT_NE(ended.message.find("crosses otherwise now"), std::string::npos) << ended.message;
  expect_conflict(ended.conflict, "transport", {"opaque-fd"}, {"host-memory"});
  const auto started = foreign->client().expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(started.lease, follows->attached.lease);
  EXPECT_EQ(started.generation->transport, wire::Transport::HostMemory);
}

TEST_F(StrangersWay, IsNotWaitedForWhenAnotherProducerTakesOver) {
  auto renderer = stand_in("renderer");
  RawProducer first(renderer->client(), able(), "cam");
  first.request.sync_mode = wire::SyncMode::Host;
  first.create();
  auto cannot = able();
  cannot.host_memory = false;
  RawConsumer stays_behind(foreign->client(), cannot, "cam");
  stays_behind.attach();
  RawConsumer follows(foreign->client(), able(), "cam");
  follows.attach();
  renderer->kill();
  for (int leases = 0; leases < 2; ++leases)
    EXPECT_EQ(foreign->client().expect<wire::StreamStateChangedT>().first.state, wire::StreamState::Orphaned);
  RawProducer second(*client, able(), "cam");
  second.request.transport = wire::Transport::HostMemory;
  second.send();
  const auto ended = foreign->client().expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.lease, stays_behind.attached.lease);
  expect_conflict(ended.conflict, "transport", {"opaque-fd"}, {"host-memory"});
  const auto changed = foreign->client().expect<wire::ProducerChangedT>().first;
  EXPECT_EQ(changed.lease, follows.attached.lease);
  EXPECT_EQ(changed.generation->transport, wire::Transport::HostMemory);
  second.take_answer();
  EXPECT_EQ(client->expect<wire::LeaseAddedT>().first.lease, follows.attached.lease) << "of the other it never hears";
}

constexpr std::uint64_t kLinear = 0, kTiled = 0x0300000000606010u;

TEST_F(StrangersWay, LeavesTheOthersTheirModifiers) {
  const auto in = [](const std::vector<std::uint64_t>& modifiers) {
    FakeGpu device(2);
    device.add_modifiers(proto::Format::kRgba8Unorm, modifiers);
    return device.capabilities();
  };
  gpu->add_modifiers(proto::Format::kRgba8Unorm, {kLinear, kTiled});
  restart({}, Policy(parse_config(kStrangersMayView, "test.toml")->rules, geteuid()));
  *client = connect("renderer");
  foreign = stranger();
  auto dma_buf = FakeGpu(1);
  dma_buf.add_modifiers(proto::Format::kRgba8Unorm, {kLinear, kTiled});
  producer = std::make_unique<RawProducer>(*client, dma_buf.capabilities(), "cam");
  producer->request.transport = wire::Transport::DmaBuf;
  producer->create();
  ASSERT_EQ(producer->created.generation->modifier, kTiled);
  RawConsumer other(foreign->client(), in({kLinear}), "cam");
  other.send();
  expect_conflict(foreign->client().expect<wire::RefusedT>().first.conflict, "modifier", {"LINEAR"},
                  {platform::modifier_name(kTiled)});
  const auto consumer = attach(in({kTiled}));
  EXPECT_EQ(consumer->attached.generation->modifier, kTiled);
  expect_nothing_changed();
  // Others choose as if it were not there.
  RawClient viewer = connect("viewer");
  RawConsumer friendly(viewer, in({kLinear}), "cam");
  friendly.attach();
  EXPECT_EQ(friendly.attached.generation->modifier, kLinear);
  expect_conflict(foreign->client().expect<wire::LeaseEndedT>().first.conflict, "modifier", {platform::modifier_name(kTiled)},
                  {"LINEAR"});
}

TEST_F(Trust, ASandboxLeavesItsUserRoomForSessions) {
  Limits limits;
  limits.max_sessions_per_uid = 8;
  start(limits, true);
  const auto first = stranger(), second = stranger();
  StandIn third(broker->socket(), StandIn::Home::kUserNamespace);
  const std::string why = third.client().expect_goodbye(ErrorCode::kLimitExceeded);
  EXPECT_NE(why.find("in sandbox 'user-namespace' has 2 sessions; its share of max_sessions_per_uid = 8 is 2"),
            std::string::npos)
      << why;
  third.kill();
  third.client().close();
  std::vector<RawClient> own;
  for (int i = 0; i < 6; ++i) own.push_back(connect("own"));
}

TEST_F(Trust, ASandboxLeavesItsUserRoomForDescriptors) {
  Limits limits;
  limits.max_descriptors_per_uid = 120;
  auto config = parse_config(kStrangersMayAll, "test.toml");
  ASSERT_TRUE(config);
  start(limits, true, Policy(std::move(config->rules), geteuid()));
  const auto process = stranger();
  RawProducer first(process->client(), device(), "first"), second(process->client(), device(), "second");
  // A stream has 2 descriptors of pages, 8 slots and a timeline: more than one is beyond a quarter.
  first.create();
  const int page = second.page.fd().get();
  process->client().send(second.request, {&page, 1});
  const std::string why = process->client().expect_refused(ErrorCode::kLimitExceeded);
  EXPECT_NE(why.find("in sandbox 'user-namespace' = 30"), std::string::npos) << why;
  RawClient own = connect("own");
  for (const char* name : {"a", "b", "c"}) {
    RawProducer producer(own, device(), name);
    producer.create();
  }
}

TEST_F(Trust, OneUserIsHeldToItsShare) {
  Limits limits;
  limits.max_descriptors_per_uid = 40;
  start(limits, true);
  RawClient one = connect("one"), two = connect("two");
  RawProducer first(one, device(), "first"), second(two, device(), "second"), third(two, device(), "third");
  first.create();
  second.create();
  const int page = third.page.fd().get();
  two.send(third.request, {&page, 1});
  std::string why;
  // A stream has 2 descriptors of pages, 8 slots and a timeline.
  for (int streams = 2;; ++streams) {
    ASSERT_LT(streams, 10) << "no limit";
    const Received answer = two.receive();
    if (const auto* refused = answer.envelope->body.AsRefused()) {
      why = refused->message;
      break;
    }
    third.request.name += "+";
    two.send(third.request, {&page, 1});
  }
  EXPECT_NE(why.find("max_descriptors_per_uid = 40"), std::string::npos) << why;
}

}  // namespace
}  // namespace ferry::daemon::test
