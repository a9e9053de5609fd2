// Sync mode sync-fd, as far as the broker is concerned: who gets a channel for fences, and with whom a stream changes over.

#include "daemon/config.h"
#include "platform/fence_channel.h"
#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLinear = 0;

class Fences : public BrokerTest {
 protected:
  void SetUp() override { start_with(false); }
  void start_with(bool timelines, const std::string& rules = {}) {
    has_timelines_ = timelines;
    auto config = parse_config(rules, "test.toml");
    ASSERT_TRUE(config) << config.error().message;
    gpu = std::make_shared<FakeGpu>(std::uint8_t{1}, timelines);
    gpu->add_modifiers(proto::Format::kRgba8Unorm, {kLinear});
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), Limits{}, Policy(std::move(config->rules), geteuid()));
  }
  /// Of a client that has lent a queue; @p number: its device.
  platform::DeviceCapabilities fencing(std::uint8_t number = 1) const {
    FakeGpu device(number, has_timelines_);
    device.add_modifiers(proto::Format::kRgba8Unorm, {kLinear});
    platform::DeviceCapabilities out = device.capabilities();
    out.sync_fd = true;
    return out;
  }

  bool has_timelines_ = false;
};

TEST_F(Fences, HaveAChannelOfTheirOwnInItsPlace) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, fencing(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::SyncFd);
  EXPECT_EQ(producer.created.generation->sync_mode, wire::SyncMode::SyncFd);
  EXPECT_FALSE(producer.created.generation->has_timeline);
  RawConsumer consumer(viewer, fencing(), "cam");
  consumer.attach();
  EXPECT_EQ(consumer.attached.sync_mode, wire::SyncMode::SyncFd);
  EXPECT_TRUE(consumer.attached.has_fence_channel);
  EXPECT_FALSE(consumer.attached.has_release_timeline);
  EXPECT_FALSE(consumer.attached.completed_only);
  const auto [added, message] = client.expect<wire::LeaseAddedT>();
  ASSERT_TRUE(added.has_fence_channel);
  ASSERT_EQ(message.fds.size(), 3u);
  // The two ends are of one pair: after the verdict page, the stream page and the lease channel, and after page and channel.
  ASSERT_TRUE(platform::send_fence(message.fds[2], {41, 1, 0}, {}));
  const auto received = platform::receive_fence(consumer.fds[3]);
  ASSERT_TRUE(received && *received) << "no fence came";
  EXPECT_EQ((*received)->message.sequence, 41u);
}

TEST_F(Fences, GiveWayToAConsumerWithoutAQueue) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), plain = connect("plain");
  RawProducer producer(client, fencing(), "cam");
  producer.create();
  RawConsumer consumer(viewer, fencing(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  RawConsumer other(plain, FakeGpu(1, false).capabilities(), "cam");
  other.attach();
  EXPECT_EQ(other.attached.sync_mode, wire::SyncMode::Host);
  EXPECT_FALSE(other.attached.has_fence_channel);
  EXPECT_EQ(other.attached.generation->sync_mode, wire::SyncMode::Host);
  EXPECT_NE(other.attached.sync_reason.find("lists no sync_files"), std::string::npos) << other.attached.sync_reason;
  EXPECT_EQ(client.expect<wire::GenerationStartedT>().first.generation->sync_mode, wire::SyncMode::Host);
  EXPECT_EQ(viewer.expect<wire::GenerationStartedT>().first.generation->sync_mode, wire::SyncMode::Host);
}

TEST_F(Fences, AreRefusedByNameToAProducerThatInsists) {
  RawClient client = connect("renderer"), plain = connect("plain");
  RawProducer producer(client, fencing(), "cam");
  producer.request.sync_mode = wire::SyncMode::SyncFd;
  producer.create();
  RawConsumer other(plain, FakeGpu(1, false).capabilities(), "cam");
  other.send();
  const std::string text = plain.expect_refused(proto::ErrorCode::kIncompatible);
  EXPECT_NE(text.find("asks for sync mode sync-fd, but consumer 'plain'"), std::string::npos) << text;
}

TEST_F(Fences, AreNotForStrangers) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  start_with(false, "[[rule]]\nallow = ['view']\nsandbox = 'user-namespace'\n");
  RawClient client = connect("renderer");
  RawProducer producer(client, fencing(), "cam");
  producer.create();
  ASSERT_EQ(producer.created.sync_mode, wire::SyncMode::SyncFd);
  StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
  stranger.client().greet("stranger");
  RawConsumer consumer(stranger.client(), fencing(), "cam");
  consumer.attach();
  EXPECT_EQ(consumer.attached.sync_mode, wire::SyncMode::Host);
  EXPECT_EQ(consumer.attached.generation->sync_mode, wire::SyncMode::Host);
  EXPECT_TRUE(consumer.attached.completed_only);
  EXPECT_FALSE(consumer.attached.has_fence_channel);
  const auto added = client.expect<wire::LeaseAddedT>().first;
  EXPECT_TRUE(added.completed_only);
  EXPECT_FALSE(added.has_fence_channel);
}

class FencesAfterTimelines : public Fences {
 protected:
  void SetUp() override { start_with(true); }
};

TEST_F(FencesAfterTimelines, TakeOverWhenAnotherDriverJoins) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), foreign = connect("foreigner");
  RawProducer producer(client, fencing(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::Timeline);
  RawConsumer native(viewer, fencing(), "cam");
  native.attach();
  EXPECT_EQ(native.attached.sync_mode, wire::SyncMode::Timeline);
  EXPECT_TRUE(native.attached.has_release_timeline && native.attached.has_fence_channel);
  EXPECT_EQ(native.fds.size(), 3u + 1u + 1u + 1u + 8u);
  client.expect<wire::LeaseAddedT>();
  RawConsumer joins(foreign, fencing(9), "cam");
  joins.attach();
  EXPECT_EQ(joins.attached.sync_mode, wire::SyncMode::SyncFd);
  EXPECT_EQ(joins.attached.generation->transport, wire::Transport::DmaBuf);
  EXPECT_TRUE(joins.attached.has_fence_channel);
  EXPECT_FALSE(joins.attached.has_release_timeline);
  const auto [told, message] = viewer.expect<wire::GenerationStartedT>();
  EXPECT_EQ(told.generation->sync_mode, wire::SyncMode::SyncFd);
  EXPECT_FALSE(told.generation->has_timeline);
}

TEST_F(FencesAfterTimelines, DoNotWhereALeaseHasNoChannel) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), foreign = connect("foreigner");
  RawProducer producer(client, fencing(), "cam");
  producer.create();
  auto lends_none = fencing();
  lends_none.sync_fd = false;
  RawConsumer native(viewer, lends_none, "cam");
  native.attach();
  EXPECT_FALSE(native.attached.has_fence_channel);
  client.expect<wire::LeaseAddedT>();
  RawConsumer joins(foreign, fencing(9), "cam");
  joins.attach();
  EXPECT_EQ(joins.attached.sync_mode, wire::SyncMode::Host);
}

class FencesAndDeaths : public Fences {};

TEST_F(FencesAndDeaths, AnotherProducerComesWithAnotherChannel) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect("viewer"), next = connect("next");
  RawProducer old(renderer->client(), fencing(), "cam");
  old.create();
  RawConsumer consumer(viewer, fencing(), "cam");
  consumer.attach();
  const auto before = renderer->client().expect<wire::LeaseAddedT>();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  RawProducer producer(next, fencing(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::SyncFd);
  const auto [added, to_producer] = next.expect<wire::LeaseAddedT>();
  ASSERT_TRUE(added.has_fence_channel);
  const auto [changed, to_consumer] = viewer.expect<wire::ProducerChangedT>();
  ASSERT_TRUE(changed.has_fence_channel);
  ASSERT_TRUE(platform::send_fence(to_producer.fds[2], {7, 2, 0}, {}));
  const auto received = platform::receive_fence(to_consumer.fds[2]);
  ASSERT_TRUE(received && *received);
  EXPECT_EQ((*received)->message.sequence, 7u);
  EXPECT_FALSE(platform::receive_fence(consumer.fds[3]).value()) << "the old one is another pair";
}

/// A stream in sync mode timeline, whose lease may have a channel, and a consumer with another driver that joins after a
/// restart.
class FencesAfterARestart : public Reclaims {
 protected:
  wire::SyncMode joined_in(bool has_fence_channel) {
    gpu->add_modifiers(proto::Format::kRgba8Unorm, {kLinear});
    come_back(Policy({}, geteuid()));
    hand_back_lease(has_fence_channel);
    auto stream = stream_claim();
    stream.device = std::make_unique<wire::DeviceT>(device_of(fencing(1)));
    send_stream_claim(*renderer, stream);
    restored_stream();
    auto lease = lease_claim();
    lease.device = std::make_unique<wire::DeviceT>(device_of(fencing(1)));
    lease.has_fence_channel = has_fence_channel;
    send_lease_claim(*viewer, lease);
    viewer->expect<wire::LeaseRestoredT>();
    RawClient other = connect("foreigner");
    RawConsumer joins(other, fencing(9), "cam");
    joins.attach();
    EXPECT_EQ(joins.attached.generation->transport, wire::Transport::DmaBuf);
    return joins.attached.sync_mode;
  }

 private:
  static platform::DeviceCapabilities fencing(std::uint8_t number) {
    FakeGpu device(number, true);
    device.add_modifiers(proto::Format::kRgba8Unorm, {kLinear});
    platform::DeviceCapabilities out = device.capabilities();
    out.sync_fd = true;
    return out;
  }
};

TEST_F(FencesAfterARestart, CanBeUsedWhereTheChannelsAreKept) { EXPECT_EQ(joined_in(true), wire::SyncMode::SyncFd); }

TEST_F(FencesAfterARestart, CannotWhereThereAreNone) { EXPECT_EQ(joined_in(false), wire::SyncMode::Host); }

}  // namespace
}  // namespace ferry::daemon::test
