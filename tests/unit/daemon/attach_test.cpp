#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using proto::LeaseId;
using proto::VerdictPageReader;
using namespace std::chrono_literals;

class Attaching : public BrokerTest {
 protected:
  static bool alive(const RawConsumer& consumer) {
    return VerdictPageReader(consumer.verdict.page())
        .is_alive(consumer.attached.lease_index, LeaseId{consumer.attached.lease});
  }
};

TEST_F(Attaching, BringsEverythingToBothSides) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.request.mode = wire::ConsumerMode::Every;
  consumer.request.queue_depth = 2;
  consumer.request.max_holds = 1;
  consumer.attach();
  EXPECT_EQ(consumer.attached.stream, producer.created.stream);
  EXPECT_EQ(consumer.attached.state, wire::StreamState::Live);
  EXPECT_EQ(consumer.attached.producer_pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(consumer.attached.queue_policy, wire::QueuePolicy::Drop);
  EXPECT_EQ(consumer.attached.sync_mode, wire::SyncMode::Host);
  EXPECT_EQ(consumer.fds.size(), 3u + 8u);
  EXPECT_TRUE(alive(consumer));
  auto stream_page = platform::PeerPage<proto::StreamPage>::map(consumer.fds[1], proto::PageKind::kStream);
  EXPECT_TRUE(stream_page);

  const auto [added, message] = client.expect<wire::LeaseAddedT>();
  EXPECT_EQ(added.lease, consumer.attached.lease);
  EXPECT_EQ(added.lease_index, consumer.attached.lease_index);
  EXPECT_EQ(added.mode, wire::ConsumerMode::Every);
  EXPECT_EQ(added.max_holds, 1u);
  EXPECT_EQ(added.queue_depth, 2u);
  auto lease_page = platform::PeerPage<proto::LeasePage>::map(message.fds[0], proto::PageKind::kLease);
  EXPECT_TRUE(lease_page);
  platform::ring_channel(message.fds[1]);
  char rung = 0;
  EXPECT_EQ(recv(consumer.fds[2].get(), &rung, 1, MSG_DONTWAIT), 1) << "two ends of one channel";
}

TEST_F(Attaching, NeedsAStream) {
  RawClient viewer = connect();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.send();
  EXPECT_EQ(viewer.expect_refused(ErrorCode::kNotFound), "there is no stream 'cam'");
}

TEST_F(Attaching, RequestsAreChecked) {
  RawClient client = connect(), viewer = connect("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  auto refused = [&](auto change, ErrorCode code) {
    RawConsumer consumer(viewer, device(), "cam");
    change(consumer.request);
    consumer.send();
    return viewer.expect_refused(code);
  };
  refused([](auto& r) { r.name = "a\tb"; }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.mode = wire::ConsumerMode::None; }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.mode = static_cast<wire::ConsumerMode>(9); }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.max_holds = 0; }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.max_holds = 17; }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.mode = wire::ConsumerMode::Every; }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.device.reset(); }, ErrorCode::kInvalidArgument);
  refused([](auto& r) { r.device->transports.clear(); }, ErrorCode::kIncompatible);
  const std::string text =
      refused([](auto& r) { *r.device = device_of(FakeGpu(9).capabilities()); }, ErrorCode::kIncompatible);
  EXPECT_NE(text.find(fmt::format("consumer 'viewer' (pid {})", getpid())), std::string::npos) << text;
  EXPECT_TRUE(client.quiet_for(50ms));
}

TEST_F(Attaching, WaitsForItsStream) {
  RawClient client = connect(), viewer = connect();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.request.wait = true;
  consumer.send();
  EXPECT_TRUE(viewer.quiet_for(50ms));
  RawProducer other(client, device(), "other"), producer(client, device(), "cam");
  other.create();
  EXPECT_TRUE(viewer.quiet_for(50ms));
  producer.create();
  consumer.take_answer();
  EXPECT_EQ(consumer.attached.stream, producer.created.stream);
  client.expect<wire::LeaseAddedT>();
}

/// A device says as much of itself as a message has room for. Of that it is what a lease needs that waits, and so many bytes
/// of it for one user's sessions together.
TEST_F(Attaching, WhatWaitsIsShortAndBounded) {
  Limits limits;
  limits.message_memory_bytes_per_uid = 40'000;
  start(limits);
  const auto ask = [&](RawClient& viewer) {
    RawConsumer consumer(viewer, device(), "cam");
    consumer.request.wait = true;
    consumer.request.device->name = std::string(20'000, 'n');
    consumer.request.device->transports.resize(10'000, wire::Transport::HostMemory);
    consumer.request.device->lacks.push_back(std::make_unique<wire::TransportLackT>());
    consumer.request.device->lacks.back()->reason = std::string(20'000, 'r');
    consumer.send();
  };
  RawClient one = connect(), other = connect();
  for (int i = 0; i < 8; ++i) ask(i % 2 == 0 ? one : other);
  EXPECT_TRUE(one.quiet_for(50ms));
  EXPECT_TRUE(other.quiet_for(50ms));
  for (int i = 0; i < 60; ++i) ask(one);
  const std::string text = one.expect_refused(ErrorCode::kLimitExceeded);
  EXPECT_NE(text.find("message_memory_bytes_per_uid = 40000"), std::string::npos) << text;
  one.close();
  // What the one had is the other's.
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  for (int attached = 0; attached < 4;)
    if (other.receive().type() == wire::Body::Attached) ++attached;  // between them the pool grows
}

TEST_F(Attaching, CanBeGivenUp) {
  RawClient client = connect(), viewer = connect();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.request.wait = true;
  wire::CancelAttachT cancel;
  cancel.request = consumer.send();
  viewer.tell(cancel);
  const auto [refused, message] = viewer.expect<wire::RefusedT>();
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kTimeout));
  EXPECT_EQ(message.envelope->request, cancel.request);
  viewer.send(cancel);
  viewer.expect_refused(ErrorCode::kNotFound);
  RawProducer producer(client, device(), "cam");
  producer.create();
  EXPECT_TRUE(viewer.quiet_for(50ms));
}

TEST_F(Attaching, AWaitingSessionMayEnd) {
  RawClient client = connect();
  {
    RawClient viewer = connect();
    RawConsumer consumer(viewer, device(), "cam");
    consumer.request.wait = true;
    consumer.send();
  }
  // The producer comes once the broker has seen the other session end; which it reads first is nobody's promise.
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  for (std::uint32_t sessions = 2; sessions != 1;) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    client.send(wire::QueryStatusT{});
    sessions = client.expect<wire::StatusReplyT>().first.broker->sessions;
  }
  RawProducer producer(client, device(), "cam");
  producer.create();
  EXPECT_TRUE(client.quiet_for(50ms));
}

TEST_F(Attaching, EndsWithDetach) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer first(viewer, device(), "cam"), second(viewer, device(), "cam");
  first.attach();
  second.attach();
  client.expect<wire::LeaseAddedT>();
  client.expect<wire::LeaseAddedT>();
  first.detach();
  EXPECT_FALSE(alive(first));
  EXPECT_TRUE(alive(second));
  const auto ended = client.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.lease, first.attached.lease);
  EXPECT_EQ(ended.reason, wire::EndReason::Detached);
  EXPECT_FALSE(ended.to_consumer);

  RawConsumer third(viewer, device(), "cam");
  third.attach();
  EXPECT_EQ(third.attached.lease_index, first.attached.lease_index) << "the lowest free one";
  EXPECT_NE(third.attached.lease, first.attached.lease);
  EXPECT_TRUE(viewer.quiet_for(50ms));
}

TEST_F(Attaching, EndsWithTheConsumer) {
  RawClient client = connect();
  auto viewer = stand_in("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer->client(), device(), "cam");
  consumer.attach();
  EXPECT_EQ(client.expect<wire::LeaseAddedT>().first.consumer_pid, static_cast<std::uint32_t>(viewer->pid()));
  viewer->kill();
  const auto ended = client.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.reason, wire::EndReason::Died);
  EXPECT_FALSE(alive(consumer));
}

TEST_F(Attaching, EndsWithAViolation) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  viewer.send(wire::DoneT{});
  EXPECT_EQ(client.expect<wire::LeaseEndedT>().first.reason, wire::EndReason::ProtocolError);
}

TEST_F(Attaching, IsLimitedForSessionAndStream) {
  Limits limits;
  limits.max_leases_per_session = 2;
  limits.max_leases_per_stream = 3;
  start(limits);
  RawClient client = connect(), viewer = connect("viewer"), other = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer a(viewer, device(), "cam"), b(viewer, device(), "absent"), c(viewer, device(), "cam");
  a.attach();
  b.request.wait = true;
  b.send();
  c.send();
  EXPECT_EQ(
      viewer.expect_refused(ErrorCode::kLimitExceeded),
      fmt::format("'viewer' (pid {}) has or waits for 2 leases; the limit max_leases_per_session is 2", getpid()));
  RawConsumer d(other, device(), "cam"), e(other, device(), "cam");
  d.attach();
  e.attach();
  RawClient last = connect();
  RawConsumer f(last, device(), "cam");
  f.send();
  EXPECT_EQ(last.expect_refused(ErrorCode::kLimitExceeded),
            "stream 'cam' has 3 leases; the limit max_leases_per_stream is 3");
}

TEST_F(Attaching, GrowsThePoolWhenConsumersHoldMore) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer first(viewer, device(), "cam"), second(viewer, device(), "cam"), third(viewer, device(), "cam");
  first.attach();
  second.attach();
  EXPECT_EQ(second.attached.generation->id, 1u) << "there was room for two";
  third.attach();
  const auto to_first = viewer.expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(to_first.generation->id, 2u);
  EXPECT_EQ(to_first.generation->slot_count, 12u);
  EXPECT_EQ(to_first.generation->reason, "pool of 12 for 3 consumers");
  viewer.expect<wire::GenerationStartedT>();
  viewer.expect<wire::GenerationStartedT>();
  for (int i = 0; i < 3; ++i) client.expect<wire::LeaseAddedT>();
  const auto [mine, message] = client.expect<wire::GenerationStartedT>();
  EXPECT_EQ(mine.lease, 0u);
  EXPECT_EQ(message.envelope->request, 0u);
}

TEST_F(Attaching, KeepsThePoolWhenMemoryIsShort) {
  Limits limits;
  limits.texture_memory_bytes = std::uint64_t{1} << 20;
  start(limits);
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.request.image->width_px = producer.request.image->height_px = 150;
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.request.max_holds = 16;
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  EXPECT_TRUE(client.quiet_for(50ms));
}

TEST_F(Attaching, LateConsumersGetTheGenerationOnShowFirst) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  producer.publish(1, 3);
  wire::ReconfigureT resize;
  resize.stream = producer.created.stream;
  resize.image = std::make_unique<wire::ImageT>(*producer.request.image);
  resize.image->width_px = 128;
  client.send(resize);
  client.expect<wire::GenerationStartedT>();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  EXPECT_EQ(consumer.attached.generation->id, 1u);
  const auto newest = viewer.expect<wire::GenerationStartedT>().first;
  EXPECT_EQ(newest.generation->id, 2u);
  EXPECT_EQ(newest.lease, consumer.attached.lease);
}

TEST_F(Attaching, EvictsWhoDrainsThePool) {
  RawClient client = connect(), viewer = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer greedy(viewer, device(), "cam"), good(viewer, device(), "cam");
  greedy.attach();
  good.attach();
  client.expect<wire::LeaseAddedT>();
  client.expect<wire::LeaseAddedT>();
  for (std::uint32_t slot = 0; slot < 8; ++slot)
    proto::LeasePageWriter(greedy.page.page()).hold(proto::GenerationId{1}, slot);
  proto::LeasePageWriter(good.page.page()).hold(proto::GenerationId{1}, 0);

  wire::ReportStarvedT report;
  report.stream = producer.created.stream;
  report.leases = {good.attached.lease, greedy.attached.lease};
  report.starved_ms = 1000;
  client.tell(report);
  const auto to_producer = client.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(to_producer.lease, greedy.attached.lease);
  EXPECT_EQ(to_producer.reason, wire::EndReason::Evicted);
  const auto to_consumer = viewer.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(to_consumer.lease, greedy.attached.lease);
  EXPECT_TRUE(to_consumer.to_consumer);
  EXPECT_NE(to_consumer.message.find("held 8 slots"), std::string::npos) << to_consumer.message;
  EXPECT_FALSE(alive(greedy));
  EXPECT_TRUE(alive(good));
  wire::DetachT detach;
  detach.lease = greedy.attached.lease;
  viewer.send(detach);
  viewer.expect_refused(ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ferry::daemon::test
