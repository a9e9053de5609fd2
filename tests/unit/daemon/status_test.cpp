#include <fmt/format.h>
#include <unistd.h>

#include <set>

#include "platform/clock.h"
#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

class Status : public BrokerTest {
 protected:
  wire::StatusReplyT ask(RawClient& client, std::uint64_t first = 0, std::uint64_t first_lease = 0) {
    wire::QueryStatusT query;
    query.first_stream = first;
    query.first_lease = first_lease;
    client.send(query);
    return client.expect<wire::StatusReplyT>().first;
  }
};

TEST_F(Status, SaysWhatThePagesSay) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  for (std::uint32_t i = 0; i < 5; ++i) producer.publish(1, i);
  proto::StreamPageWriter(producer.page.page())
      .admit(consumer.attached.lease_index, proto::LeaseId{consumer.attached.lease});
  producer.page.page().starved = 3;
  proto::LeasePageWriter lease(consumer.page.page());
  lease.hold(proto::GenerationId{1}, 2);
  lease.set_cursor(3);
  lease.count_acquired(1, static_cast<std::uint64_t>(platform::now_ns()));
  lease.count_latency(5000);

  const auto reply = ask(client);
  EXPECT_EQ(reply.broker->pid, static_cast<std::uint32_t>(getpid()));
  EXPECT_EQ(reply.broker->socket, broker->socket());
  EXPECT_EQ(reply.broker->sessions, 2u);
  EXPECT_EQ(reply.broker->leases, 1u);
  EXPECT_EQ(reply.broker->memory_bytes, 8u * 64 * 32 * 4);
  EXPECT_EQ(reply.broker->memory_limit_bytes, Limits{}.texture_memory_bytes);
  EXPECT_GT(reply.broker->uptime_ns, 0u);
  EXPECT_EQ(reply.next_stream, 0u);
  ASSERT_EQ(reply.streams.size(), 1u);
  const auto& stream = *reply.streams[0];
  EXPECT_EQ(stream.name, "cam");
  EXPECT_EQ(stream.state, wire::StreamState::Live);
  EXPECT_EQ(stream.frames, 5u);
  EXPECT_EQ(stream.starved, 3u);
  EXPECT_GT(stream.rate_mhz, 0u);
  EXPECT_GT(stream.last_frame_age_ns, 0u);
  EXPECT_EQ(stream.device, "Fake GPU");
  EXPECT_EQ(stream.producer->application, "renderer");
  EXPECT_EQ(stream.producer->pid, static_cast<std::uint32_t>(getpid()));
  ASSERT_EQ(stream.leases.size(), 1u);
  const auto& status = *stream.leases[0];
  EXPECT_EQ(status.consumer->application, "viewer");
  EXPECT_EQ(status.held, 1u);
  EXPECT_EQ(status.lag_frames, 2u);
  EXPECT_EQ(status.acquired, 1u);
  EXPECT_EQ(status.skipped, 1u);
  EXPECT_GE(status.latency_p50_ns, 5000u);
  EXPECT_GT(status.last_seen_ns, 0u);
  EXPECT_TRUE(status.admitted);
}

TEST_F(Status, ComesInPagesThatFitAMessage) {
  Limits limits;
  limits.max_leases_per_session = 1000;
  limits.max_slots = 16;
  start(limits);
  RawClient client = connect(std::string(64, 'p')), viewer = connect(std::string(64, 'c'));
  std::vector<std::unique_ptr<RawProducer>> producers;
  std::vector<std::unique_ptr<RawConsumer>> consumers;
  for (int s = 0; s < 30; ++s) {
    producers.push_back(std::make_unique<RawProducer>(client, device(), fmt::format("{:0>128}", s)));
    producers.back()->request.min_slots = 16;  // no growth: the consumers' messages stay few
    producers.back()->create();
    producers.back()->fds.clear();
    for (int l = 0; l < (s == 7 ? 256 : s == 9 ? 40 : 2); ++l) {
      consumers.push_back(std::make_unique<RawConsumer>(viewer, device(), fmt::format("{:0>128}", s)));
      consumers.back()->attach();
      consumers.back()->fds.clear();
      client.expect<wire::LeaseAddedT>();
    }
  }
  std::set<std::string> names;
  std::set<std::uint64_t> leases;
  std::size_t pages = 0;
  std::uint64_t next = 0, next_lease = 0;
  do {
    const auto reply = ask(client, next, next_lease);
    EXPECT_EQ(reply.broker->streams, 30u);
    EXPECT_EQ(reply.broker->leases, consumers.size());
    for (const auto& stream : reply.streams) {
      const bool goes_on = next_lease != 0 && stream == reply.streams.front();
      EXPECT_NE(names.insert(stream->name).second, goes_on) << "twice, or never begun";
      for (const auto& lease : stream->leases) EXPECT_TRUE(leases.insert(lease->lease).second) << "twice";
      if (stream->name.ends_with("09")) {
        EXPECT_EQ(stream->leases.size(), 40u);
      }
    }
    next = reply.next_stream;
    next_lease = reply.next_lease;
    ++pages;
  } while (next != 0);
  EXPECT_EQ(names.size(), 30u);
  EXPECT_EQ(leases.size(), consumers.size());
  EXPECT_GT(pages, 1u);
}

TEST_F(Status, AStreamThatStandsStillHasNoRate) {
  auto page = std::make_unique<proto::StreamPage>();
  const proto::StreamPageReader reader(*page);
  EXPECT_EQ(frame_rate_mhz(reader, 1'000'000'000), 0u);
  proto::FrameRecord record{};
  for (record.sequence = 1; record.sequence <= 100; ++record.sequence) {
    record.produced_ns = record.sequence * 10'000'000;
    proto::StreamPageWriter(*page).publish(record);
  }
  EXPECT_EQ(frame_rate_mhz(reader, 1'000'000'000), 100'000u);
  EXPECT_EQ(frame_rate_mhz(reader, 4'000'000'000), 0u);
}

}  // namespace
}  // namespace ferry::daemon::test
