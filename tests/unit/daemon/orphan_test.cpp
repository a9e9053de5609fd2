// Producers that go without a word, and those that come after them.

#include <unistd.h>

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using proto::StreamState;
using proto::VerdictPageReader;
using namespace std::chrono_literals;

class Orphans : public BrokerTest {};

TEST_F(Orphans, ConsumersAreTold) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->kill();
  const auto changed = viewer.expect<wire::StreamStateChangedT>().first;
  EXPECT_EQ(changed.state, wire::StreamState::Orphaned);
  EXPECT_EQ(changed.lease, consumer.attached.lease);
  EXPECT_EQ(VerdictPageReader(consumer.verdict.page()).state(), StreamState::kOrphaned);
}

TEST_F(Orphans, AreOrphansOnlyWhenTheKernelSaysSo) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->client().close();
  EXPECT_TRUE(viewer.quiet_for(100ms)) << "the process lives, and may still publish";
  EXPECT_EQ(VerdictPageReader(consumer.verdict.page()).state(), StreamState::kLive);
  renderer->kill();
  EXPECT_EQ(viewer.expect<wire::StreamStateChangedT>().first.state, wire::StreamState::Orphaned);
}

TEST_F(Orphans, LateConsumersSeeTheLastFrame) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  producer.publish(1, 2);
  RawConsumer first(viewer, device(), "cam"), late(viewer, device(), "cam");
  first.attach();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  late.attach();
  EXPECT_EQ(late.attached.state, wire::StreamState::Orphaned);
  auto page = platform::PeerPage<proto::StreamPage>::map(late.fds[1], proto::PageKind::kStream);
  ASSERT_TRUE(page);
  EXPECT_EQ(proto::StreamPageReader(page->page()).published(), 1u);
  EXPECT_TRUE(platform::drain_channel(late.fds[2])) << "the channel is not hung up";
}

TEST_F(Orphans, GoWithTheirLastLease) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  consumer.detach();
  viewer.send(wire::QueryStatusT{});
  EXPECT_EQ(viewer.expect<wire::StatusReplyT>().first.broker->streams, 0u);
  RawConsumer late(viewer, device(), "cam");
  late.send();
  viewer.expect_refused(ErrorCode::kNotFound);
}

class TakeOver : public Orphans {
 protected:
  void TakesOver(bool process_lives) {
    auto renderer = stand_in("renderer");
    RawClient viewer = connect("viewer"), next = connect("next");
    RawProducer old(renderer->client(), device(), "cam");
    old.create();
    old.publish(1, 0);
    old.publish(1, 1);
    RawConsumer consumer(viewer, device(), "cam");
    consumer.attach();
    if (process_lives) {
      renderer->client().close();
      // The answer comes after the broker has seen the end of the session.
      viewer.send(wire::QueryStatusT{});
      while (viewer.expect<wire::StatusReplyT>().first.broker->sessions != 2) viewer.send(wire::QueryStatusT{});
    } else {
      renderer->kill();
      EXPECT_EQ(viewer.expect<wire::StreamStateChangedT>().first.state, wire::StreamState::Orphaned);
    }

    RawProducer producer(next, device(), "cam");
    producer.request.image->width_px = 128;
    producer.request.queue_policy = wire::QueuePolicy::Block;
    producer.create();
    EXPECT_EQ(producer.created.stream, old.created.stream) << "the same stream";
    EXPECT_EQ(producer.created.first_sequence, 3u);
    EXPECT_EQ(producer.created.generation->id, 2u);
    EXPECT_EQ(producer.created.generation->reason, "taken over");
    EXPECT_EQ(producer.created.generation->sync_reason, old.created.generation->sync_reason) << "it asked for no mode";
    const auto added = next.expect<wire::LeaseAddedT>();
    EXPECT_EQ(added.first.lease, consumer.attached.lease);
    EXPECT_EQ(added.first.lease_index, consumer.attached.lease_index);

    const auto [changed, message] = viewer.expect<wire::ProducerChangedT>();
    EXPECT_EQ(changed.lease, consumer.attached.lease);
    EXPECT_EQ(changed.producer_pid, static_cast<std::uint32_t>(getpid()));
    EXPECT_EQ(changed.generation->id, 2u);
    EXPECT_EQ(changed.queue_policy, wire::QueuePolicy::Block) << "the new producer's";
    producer.publish(2, 0);
    auto page = platform::PeerPage<proto::StreamPage>::map(message.fds[0], proto::PageKind::kStream);
    ASSERT_TRUE(page);
    EXPECT_EQ(proto::StreamPageReader(page->page()).published(), 3u) << "the new producer's page";
    platform::ring_channel(added.second.fds[1]);
    EXPECT_TRUE(platform::drain_channel(message.fds[1]));
    const VerdictPageReader verdict(consumer.verdict.page());
    EXPECT_EQ(verdict.state(), StreamState::kLive);
    EXPECT_EQ(verdict.generation(), proto::GenerationId{2});
    EXPECT_EQ(verdict.page().producers.load(), 2u);
    EXPECT_TRUE(verdict.is_alive(consumer.attached.lease_index, proto::LeaseId{consumer.attached.lease}));

    renderer->kill();  // the old one's death is no longer the stream's business
    EXPECT_TRUE(viewer.quiet_for(50ms));
    EXPECT_EQ(verdict.state(), StreamState::kLive);
  }
};

TEST_F(TakeOver, OfADeadProducersStream) { TakesOver(false); }
TEST_F(TakeOver, OfAStreamWhoseProducerOnlyLeft) { TakesOver(true); }

TEST_F(TakeOver, AnswersWhoWaitsForTheNextOne) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect(), next = connect();
  RawProducer old(renderer->client(), device(), "cam");
  old.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  RawConsumer late(viewer, device(), "cam");
  late.request.wait = true;
  late.attach();  // an orphan has a last frame to show: no reason to wait
  RawProducer producer(next, device(), "cam");
  producer.create();
  next.expect<wire::LeaseAddedT>();
  next.expect<wire::LeaseAddedT>();
  viewer.expect<wire::ProducerChangedT>();
  viewer.expect<wire::ProducerChangedT>();
}

TEST_F(TakeOver, MustFitTheConsumers) {
  start({}, true);
  auto renderer = stand_in("renderer");
  RawClient viewer = connect(), next = connect("next");
  RawProducer old(renderer->client(), device(), "cam");
  old.create();
  ASSERT_EQ(old.created.sync_mode, wire::SyncMode::Timeline);
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();

  RawProducer producer(next, device(), "cam");
  const int fd = producer.page.fd().get();
  producer.request.sync_mode = wire::SyncMode::Host;
  next.send(producer.request, {&fd, 1});
  const auto refused = next.expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("asks for sync mode host"), std::string::npos);
  ASSERT_TRUE(refused.conflict);
  EXPECT_NE(refused.conflict->party.find("producer 'next'"), std::string::npos);
  EXPECT_EQ(refused.conflict->constraint, "sync mode");
  EXPECT_EQ(refused.conflict->party_has, std::vector<std::string>{"host"});
  EXPECT_EQ(refused.conflict->others_have, std::vector<std::string>{"timeline"});
  producer.request.sync_mode = wire::SyncMode::Automatic;
  producer.request.device->sync_modes = {wire::SyncMode::Host};
  next.send(producer.request, {&fd, 1});
  EXPECT_NE(next.expect_refused(ErrorCode::kIncompatible).find("producer 'next'"), std::string::npos);
  *producer.request.device = device_of(FakeGpu(9).capabilities());
  next.send(producer.request, {&fd, 1});
  next.expect_refused(ErrorCode::kIncompatible);
  EXPECT_EQ(VerdictPageReader(consumer.verdict.page()).state(), StreamState::kOrphaned) << "nothing has changed";
  EXPECT_TRUE(viewer.quiet_for(50ms));
}

TEST_F(TakeOver, SurvivesALyingPage) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect(), next = connect();
  RawProducer old(renderer->client(), device(), "cam");
  old.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  old.page.page().published = ~std::uint64_t{0};
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  RawProducer producer(next, device(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.first_sequence, 1u);
}

}  // namespace
}  // namespace ferry::daemon::test
