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
