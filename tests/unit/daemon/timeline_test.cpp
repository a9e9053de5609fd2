// Sync mode timeline: who gets which semaphore, and what the broker signals for the dead.

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using namespace std::chrono_literals;

class Timelines : public BrokerTest {
 protected:
  void SetUp() override { start({}, true); }
  /// Value of the @p index-th timeline that the broker made.
  std::uint64_t value(std::size_t index) {
    std::uint64_t out = 0;
    broker->on_loop([&] { out = *gpu->counters().at(index); });
    return out;
  }
  void set(std::size_t index, std::uint64_t value) {
    broker->on_loop([&] { *gpu->counters().at(index) = value; });
  }
};

// In the order in which these tests make the broker create them.
constexpr std::size_t kAcquire = 0, kRelease = 1;

TEST_F(Timelines, RideInTheirPlaces) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::Timeline);
  EXPECT_TRUE(producer.created.generation->has_timeline);
  EXPECT_EQ(producer.fds.size(), 1u + 1u + 8u);
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  EXPECT_TRUE(consumer.attached.has_release_timeline);
  EXPECT_EQ(consumer.fds.size(), 3u + 1u + 1u + 8u);
  const auto [added, message] = client.expect<wire::LeaseAddedT>();
  EXPECT_TRUE(added.has_release_timeline);
  EXPECT_EQ(message.fds.size(), 3u);
}

TEST_F(Timelines, ADeadConsumersPromisesAreKept) {
  RawClient client = connect();
  auto viewer = stand_in("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer->client(), device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  proto::LeasePageWriter page(consumer.page.page());
  page.let_go(proto::GenerationId{1}, 0, 4);
  page.let_go(proto::GenerationId{1}, 1, 5);
  set(kRelease, 3);
  viewer->kill();
  client.expect<wire::LeaseEndedT>();
  EXPECT_EQ(value(kRelease), 5u);
}

TEST_F(Timelines, ALivingConsumerIsNeverSignalledFor) {
  RawClient client = connect();
  auto viewer = stand_in("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer->client(), device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  proto::LeasePageWriter(consumer.page.page()).let_go(proto::GenerationId{1}, 0, 4);
  viewer->client().close();
  client.expect<wire::LeaseEndedT>();
  EXPECT_EQ(value(kRelease), 0u) << "what it has submitted completes by itself";
  viewer->kill();
  for (int i = 0; i < 500 && value(kRelease) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(value(kRelease), 4u);
}

TEST_F(Timelines, ADetachedConsumersPromisesAreKeptWhenItDies) {
  RawClient client = connect();
  auto viewer = stand_in("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer->client(), device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  proto::LeasePageWriter(consumer.page.page()).let_go(proto::GenerationId{1}, 0, 4);
  consumer.detach();
  EXPECT_EQ(value(kRelease), 0u);
  viewer->kill();
  for (int i = 0; i < 500 && value(kRelease) == 0; ++i) std::this_thread::sleep_for(10ms);
  EXPECT_EQ(value(kRelease), 4u) << "the producer's GPU may wait for it already";
}

TEST_F(Timelines, ADeadProducersPromisesAreKept) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  producer.publish(1, 0, 1);
  producer.publish(1, 1, 2);
  set(kAcquire, 1);
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  EXPECT_EQ(value(kAcquire), 2u) << "before the consumers are told";
  EXPECT_EQ(proto::VerdictPageReader(consumer.verdict.page()).first_unfinished(), 2u);
}

TEST_F(Timelines, ADeadProducersFinishedFramesAreNoneOfTheUnfinished) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  producer.publish(1, 0, 1);
  producer.publish(1, 1, 2);
  set(kAcquire, 2);
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  EXPECT_EQ(proto::VerdictPageReader(consumer.verdict.page()).first_unfinished(), 0u);
}

TEST_F(Timelines, WhatDiedWithOneProducerIsNotHeldAgainstTheNext) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect(), client = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  producer.publish(1, 0, 1);
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  const proto::VerdictPageReader verdict(consumer.verdict.page());
  EXPECT_EQ(verdict.first_unfinished(), 1u);
  RawProducer next(client, device(), "cam");
  next.create();
  viewer.expect<wire::ProducerChangedT>();
  EXPECT_EQ(verdict.first_unfinished(), 0u);
}

TEST_F(Timelines, ARetiredGenerationsPromisesAreKept) {
  auto renderer = stand_in("renderer");
  RawClient viewer = connect();
  RawProducer producer(renderer->client(), device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  renderer->client().expect<wire::LeaseAddedT>();
  producer.publish(1, 0, 7);
  wire::ReconfigureT resize;
  resize.stream = producer.created.stream;
  resize.image = std::make_unique<wire::ImageT>(*producer.request.image);
  resize.image->width_px = 128;
  renderer->client().send(resize);
  renderer->client().expect<wire::GenerationStartedT>();
  viewer.expect<wire::GenerationStartedT>();
  wire::GenerationsRetiredT retired;
  retired.stream = producer.created.stream;
  retired.newest = 2;
  renderer->client().tell(retired);
  renderer->kill();
  viewer.expect<wire::StreamStateChangedT>();
  EXPECT_EQ(value(kAcquire), 7u);
}

TEST_F(Timelines, RubbishIsNotSignalled) {
  RawClient client = connect();
  auto viewer = stand_in("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer->client(), device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  consumer.page.page().slots[0].release_point = ~std::uint64_t{0};
  consumer.page.page().slots[1].release_point = 6;
  viewer->kill();
  client.expect<wire::LeaseEndedT>();
  EXPECT_EQ(value(kRelease), 6u);
}

}  // namespace
}  // namespace ferry::daemon::test
