// Whatever one client does, the others do not notice.

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using platform::UniqueFd;
using proto::ErrorCode;

class Hostile : public BrokerTest {
 protected:
  void TearDown() override {
    if (!broker) return;
    RawClient bystander = connect("bystander");
    RawProducer producer(bystander, device(), "unharmed");
    producer.create();
  }
};

TEST_F(Hostile, GarbageEndsTheSession) {
  std::mt19937 random(1);
  RawClient bystander = connect();
  for (const std::size_t size : {1u, 11u, 12u, 100u, 60000u}) {
    RawClient client = connect();
    std::vector<std::byte> garbage(size);
    for (auto& byte : garbage) byte = static_cast<std::byte>(random());
    client.send_bytes(garbage);
    client.expect_goodbye(ErrorCode::kProtocolViolation);
  }
  bystander.send(wire::QueryStatusT{});
  EXPECT_EQ(bystander.expect<wire::StatusReplyT>().first.broker->sessions, 1u);
}

TEST_F(Hostile, AMessageBeyondTheLimitEndsTheSession) {
  RawClient client = connect();
  const std::vector<std::byte> huge(proto::kMaxMessageBytes + 1);
  ASSERT_EQ(send(client.socket().get(), huge.data(), huge.size(), MSG_NOSIGNAL), static_cast<ssize_t>(huge.size()));
  client.expect_goodbye(ErrorCode::kProtocolViolation);
}

TEST_F(Hostile, TheBrokersOwnMessagesAreNotForClients) {
  RawClient client = connect();
  client.send(wire::DoneT{});
  EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation), "Done is not for clients to send");
}

TEST_F(Hostile, AnUnanswerableRequestEndsTheSession) {
  RawClient client = connect();
  client.tell(wire::QueryStatusT{});
  client.expect_goodbye(ErrorCode::kProtocolViolation);
}

TEST_F(Hostile, DescriptorsMustBeAsManyAsTheMessageHas) {
  start();
  const int fd = STDIN_FILENO;
  const std::array two{fd, fd};
  {
    RawClient client = connect();
    client.send(wire::CreateStreamT{});
    EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation),
              "CreateStream came with 0 descriptors instead of 1");
  }
  {
    RawClient client = connect();
    client.send(wire::AttachT{}, two);
    EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation), "Attach came with 2 descriptors instead of 1");
  }
  {
    RawClient client = connect();
    client.send(wire::QueryStatusT{}, {&fd, 1});
    EXPECT_EQ(client.expect_goodbye(ErrorCode::kProtocolViolation), "QueryStatus came with 1 descriptors instead of 0");
  }
}

TEST_F(Hostile, PagesMustBeSealedMemfdsOfTheRightShape) {
  start();
  UniqueFd unsealed{memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  ASSERT_EQ(ftruncate(unsealed.get(), sizeof(proto::StreamPage)), 0);
  std::array<int, 2> pipe_ends{};
  ASSERT_EQ(pipe2(pipe_ends.data(), O_CLOEXEC), 0);
  const UniqueFd pipe_out{pipe_ends[0]}, pipe_in{pipe_ends[1]};
  auto lease = platform::OwnedPage<proto::LeasePage>::create(proto::PageKind::kLease, "lease");
  auto stream = platform::OwnedPage<proto::StreamPage>::create(proto::PageKind::kLease, "wrong kind");
  ASSERT_TRUE(lease);
  ASSERT_TRUE(stream);
  for (const UniqueFd* fd : std::initializer_list<const UniqueFd*>{&unsealed, &pipe_out, &lease->fd(), &stream->fd()}) {
    RawClient client = connect();
    RawProducer producer(client, device(), "cam");
    const int number = fd->get();
    client.send(producer.request, {&number, 1});
    client.expect_goodbye(ErrorCode::kProtocolViolation);
  }
  RawClient client = connect();
  RawConsumer consumer(client, device(), "cam");
  const int number = unsealed.get();
  client.send(consumer.request, {&number, 1});
  client.expect_goodbye(ErrorCode::kProtocolViolation);
}

TEST_F(Hostile, WhoReadsNothingIsDropped) {
  Limits limits;
  limits.max_outbox_messages = 16;
  start(limits);
  RawClient deaf = connect("deaf");
  RawClient bystander = connect();
  const auto question = proto::encode(1, wire::QueryStatusT{});
  bool dropped = false;
  for (int i = 0; i < 100000 && !dropped; ++i) {
    const auto sent = platform::send_packet_before(deaf.socket(), question, {}, -1);
    dropped = !sent;
  }
  EXPECT_TRUE(dropped);
  bystander.send(wire::QueryStatusT{});
  EXPECT_EQ(bystander.expect<wire::StatusReplyT>().first.broker->sessions, 1u);
}

TEST_F(Hostile, SomebodyElsesStreamsAndLeasesAreNotTheirs) {
  RawClient owner = connect(), thief = connect();
  RawProducer producer(owner, device(), "cam");
  producer.create();
  RawConsumer consumer(owner, device(), "cam");
  consumer.send();
  consumer.take_answer();

  wire::CloseStreamT close;
  close.stream = producer.created.stream;
  thief.send(close);
  thief.expect_refused(ErrorCode::kNotFound);
  wire::ReconfigureT reconfigure;
  reconfigure.stream = producer.created.stream;
  reconfigure.image = std::make_unique<wire::ImageT>(*producer.request.image);
  thief.send(reconfigure);
  thief.expect_refused(ErrorCode::kNotFound);
  wire::DetachT detach;
  detach.lease = consumer.attached.lease;
  thief.send(detach);
  thief.expect_refused(ErrorCode::kNotFound);
  EXPECT_TRUE(proto::VerdictPageReader(consumer.verdict.page())
                  .is_alive(consumer.attached.lease_index, proto::LeaseId{consumer.attached.lease}));
}

TEST_F(Hostile, APageOfLiesHurtsNobody) {
  RawClient client = connect();
  RawProducer producer(client, device(), "cam");
  producer.create();
  RawClient viewer = connect();
  RawConsumer consumer(viewer, device(), "cam");
  consumer.attach();
  auto fill_with_lies = [](void* page, std::size_t size_bytes, std::size_t from) {
    std::mt19937_64 random(7);
    for (std::size_t at = from; at < size_bytes; at += 8) {
      const std::uint64_t lie = random();
      std::memcpy(static_cast<char*>(page) + at, &lie, 8);
    }
  };
  fill_with_lies(&producer.page.page(), sizeof(proto::StreamPage), sizeof(proto::PageHeader));
  fill_with_lies(&consumer.page.page(), sizeof(proto::LeasePage), sizeof(proto::PageHeader));
  consumer.page.page().slots[0].held = 1;  // one truth: it is in the way
  RawClient bystander = connect();
  bystander.send(wire::QueryStatusT{});
  EXPECT_EQ(bystander.expect<wire::StatusReplyT>().first.streams.size(), 1u);
  wire::ReportStarvedT report;
  report.stream = producer.created.stream;
  report.leases = {consumer.attached.lease, 999};
  report.starved_ms = ~0u;
  client.expect<wire::LeaseAddedT>();
  client.tell(report);
  EXPECT_EQ(client.expect<wire::LeaseEndedT>().first.reason, wire::EndReason::Evicted);
}

}  // namespace
}  // namespace ferry::daemon::test
