#pragma once
// A stream with one lease whose broker has gone, and what its clients say to the next one.

#include <unistd.h>

#include "platform/linux/process_start.h"
#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {

inline std::vector<int> numbers(std::span<const platform::UniqueFd> fds) {
  std::vector<int> out;
  for (const auto& fd : fds) out.push_back(fd.get());
  return out;
}

inline void sign(proto::PageWriter& writer, pid_t pid) {
  writer.pid = static_cast<std::uint32_t>(pid);
  writer.started_ticks = platform::process_start_ticks(pid);
}

/// A stream with one lease, of a broker that is gone by now.
class Reclaims : public BrokerTest {
 protected:
  void SetUp() override {
    start({}, true);
    renderer = std::make_unique<RawClient>(connect("renderer"));
    viewer = std::make_unique<RawClient>(connect("viewer"));
    producer = std::make_unique<RawProducer>(*renderer, device(), "cam");
    consumer = std::make_unique<RawConsumer>(*viewer, device(), "cam");
    sign(producer->page.page().writer, getpid());
    sign(consumer->page.page().writer, getpid());
    producer->create();
    producer->publish(1, 0, 1);
    consumer->attach();
    auto [lease, message] = renderer->expect<wire::LeaseAddedT>();
    added = lease;
    lease_fds = std::move(message.fds);
    come_back(Policy({}, geteuid()));
  }
  /// Another broker, and the clients' sessions with it.
  void come_back(Policy policy, Limits limits = {}) {
    limits.reclaim_grace_ms = grace_ms;
    restart(limits, std::move(policy));
    *renderer = connect("renderer");
    *viewer = connect("viewer");
  }

  wire::ReclaimStreamT stream_claim() const {
    wire::ReclaimStreamT claim;
    claim.stream = producer->created.stream;
    claim.name = "cam";
    claim.device = std::make_unique<wire::DeviceT>(device_of(device()));
    claim.queue_policy = wire::QueuePolicy::Drop;
    claim.frames_in_flight = 2;
    claim.next_sequence = 2;
    claim.newest_generation = 4;
    claim.producers = 1;
    return claim;
  }
  wire::ReclaimLeaseT lease_claim() const {
    wire::ReclaimLeaseT claim;
    claim.stream = consumer->attached.stream;
    claim.name = "cam";
    claim.lease = consumer->attached.lease;
    claim.lease_index = consumer->attached.lease_index;
    claim.mode = wire::ConsumerMode::Latest;
    claim.max_holds = 2;
    claim.has_release_timeline = true;
    claim.device = std::make_unique<wire::DeviceT>(device_of(device()));
    claim.queue_policy = wire::QueuePolicy::Drop;
    claim.next_sequence = 2;
    claim.newest_generation = 4;
    claim.newest_known = 1;
    claim.producers = 1;
    return claim;
  }
  void hand_back_generation(RawClient& client, const wire::GenerationT& info, std::span<const platform::UniqueFd> fds) {
    wire::HandBackGenerationT part;
    part.stream = producer->created.stream;
    part.generation = std::make_unique<wire::GenerationT>(info);
    client.send(std::move(part), numbers(fds));
  }
  void hand_back_lease(bool has_fence_channel = false) {
    wire::HandBackLeaseT part;
    part.stream = added.stream;
    part.lease = added.lease;
    part.lease_index = added.lease_index;
    part.mode = added.mode;
    part.max_holds = added.max_holds;
    part.has_release_timeline = true;
    part.has_fence_channel = has_fence_channel;
    renderer->send(std::move(part), std::vector<int>{lease_fds[0].get(), lease_fds[2].get()});
  }
  void send_stream_claim(RawClient& client, const wire::ReclaimStreamT& claim) {
    hand_back_generation(client, *producer->created.generation, std::span(producer->fds).subspan(1));
    const int fd = producer->page.fd().get();
    client.send(claim, {&fd, 1});
  }
  /// With everything but the release timeline, if the claim has none.
  void send_lease_claim(RawClient& client, const wire::ReclaimLeaseT& claim) {
    hand_back_generation(client, *consumer->attached.generation, std::span(consumer->fds).subspan(4));
    std::vector<int> fds{consumer->page.fd().get(), consumer->fds[1].get()};
    if (claim.has_release_timeline) fds.push_back(consumer->fds[3].get());
    client.send(claim, fds);
  }
  platform::PeerPage<proto::VerdictPage> restored_stream() {
    auto [answer, message] = renderer->expect<wire::StreamRestoredT>();
    return std::move(*platform::PeerPage<proto::VerdictPage>::map(message.fds[0], proto::PageKind::kVerdict));
  }
  wire::StatusReplyT status(RawClient& client) {
    client.send(wire::QueryStatusT{});
    return client.expect<wire::StatusReplyT>().first;
  }

  std::uint64_t grace_ms = 100;
  std::unique_ptr<RawClient> renderer, viewer;
  std::unique_ptr<RawProducer> producer;
  std::unique_ptr<RawConsumer> consumer;
  wire::LeaseAddedT added;
  std::vector<platform::UniqueFd> lease_fds;
};

}  // namespace ferry::daemon::test
