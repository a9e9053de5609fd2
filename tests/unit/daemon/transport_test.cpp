// A stream that crosses otherwise because of who joins it, or because what was agreed does not work.

#include <fcntl.h>

#include "tests/unit/daemon/fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;

class Transports : public BrokerTest {
 protected:
  void SetUp() override { start({}, true); }

  /// A device that can also take part in host-memory.
  static platform::DeviceCapabilities able(std::uint8_t number = 1) {
    platform::DeviceCapabilities capabilities = FakeGpu(number).capabilities();
    capabilities.host_memory = true;
    return capabilities;
  }
  static void expect_host_memory(const wire::GenerationT& generation, const std::vector<platform::UniqueFd>& fds,
                                 std::size_t first_fd) {
    EXPECT_EQ(generation.transport, wire::Transport::HostMemory);
    EXPECT_FALSE(generation.has_timeline);
    EXPECT_EQ(generation.row_pitch, 256u) << "64 pixels of 4 bytes";
    ASSERT_EQ(fds.size(), first_fd + generation.slot_count);
    const int seals = ::fcntl(fds[first_fd].get(), F_GET_SEALS);
    EXPECT_EQ(seals & (F_SEAL_SHRINK | F_SEAL_GROW), F_SEAL_SHRINK | F_SEAL_GROW);
  }
};

TEST_F(Transports, AConsumerOnAnotherDeviceStartsAGenerationForAll) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), foreign = connect("foreigner");
  RawProducer producer(client, able(), "cam");
  producer.create();
  EXPECT_EQ(producer.created.generation->transport, wire::Transport::OpaqueFd);
  EXPECT_TRUE(producer.created.generation->has_timeline);
  RawConsumer native(viewer, able(), "cam");
  native.attach();
  client.expect<wire::LeaseAddedT>();
  producer.publish(1, 0, 1);

  RawConsumer foreigner(foreign, able(9), "cam");
  foreigner.attach();
  EXPECT_EQ(foreigner.attached.generation->id, 2u) << "not the one on show, which it cannot import";
  EXPECT_FALSE(foreigner.attached.has_release_timeline);
  EXPECT_EQ(foreigner.attached.sync_mode, wire::SyncMode::Host);
  expect_host_memory(*foreigner.attached.generation, foreigner.fds, 3);
  for (RawClient* told : {&client, &viewer}) {
    const auto [started, message] = told->expect<wire::GenerationStartedT>();
    EXPECT_EQ(started.generation->id, 2u);
    EXPECT_NE(started.generation->transport_reason.find("'foreigner'"), std::string::npos);
    expect_host_memory(*started.generation, message.fds, 0);
  }
  client.expect<wire::LeaseAddedT>();

  // It stays so when the foreigner has gone, and for the next one nothing changes.
  foreigner.detach();
  client.expect<wire::LeaseEndedT>();
  RawClient late = connect("late");
  RawConsumer later(late, able(), "cam");
  later.attach();
  EXPECT_EQ(later.attached.generation->transport, wire::Transport::HostMemory);
  client.expect<wire::LeaseAddedT>();
  EXPECT_TRUE(client.quiet_for(std::chrono::milliseconds(50)));
}

TEST_F(Transports, NothingInCommonIsRefusedWithBothLists) {
  RawClient client = connect("renderer"), foreign = connect("foreigner");
  RawProducer producer(client, able(), "cam");
  producer.create();
  RawConsumer foreigner(foreign, FakeGpu(9).capabilities(), "cam");
  foreigner.send();
  const auto [refused, message] = foreign.expect<wire::RefusedT>();
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  ASSERT_TRUE(refused.conflict);
  EXPECT_NE(refused.conflict->party.find("'foreigner'"), std::string::npos);
  EXPECT_EQ(refused.conflict->constraint, "transport");
  EXPECT_EQ(refused.conflict->party_has, std::vector<std::string>{"opaque-fd"});
  EXPECT_EQ(refused.conflict->others_have, std::vector<std::string>{"host-memory"});
  EXPECT_TRUE(client.quiet_for(std::chrono::milliseconds(50))) << "the producer is left in peace";
}

TEST_F(Transports, AnImportThatFailsLeadsToAnotherWay) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, able(), "cam");
  producer.create();
  RawConsumer consumer(viewer, able(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  wire::ImportFailedT failed;
  failed.stream = producer.created.stream;
  failed.lease = consumer.attached.lease;
  failed.generation = 1;
  failed.reason = "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE";
  viewer.tell(failed);
  const auto [started, message] = viewer.expect<wire::GenerationStartedT>();
  expect_host_memory(*started.generation, message.fds, 0);
  EXPECT_NE(started.generation->transport_reason.find("VK_ERROR_INVALID_EXTERNAL_HANDLE"), std::string::npos);
  EXPECT_EQ(client.expect<wire::GenerationStartedT>().first.generation->id, 2u);

  // That was the last way: who cannot go this one either has no business here.
  failed.generation = 2;
  viewer.tell(failed);
  EXPECT_EQ(viewer.expect<wire::LeaseEndedT>().first.reason, wire::EndReason::Evicted);
}

TEST_F(Transports, AFailureThatIsNotTheirsIsIgnored) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), stranger = connect("stranger");
  RawProducer producer(client, able(), "cam");
  producer.create();
  RawConsumer consumer(viewer, able(), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  wire::ImportFailedT failed;
  failed.stream = producer.created.stream;
  failed.generation = 1;
  for (const std::uint64_t lease : {std::uint64_t{0}, consumer.attached.lease, std::uint64_t{99}}) {
    failed.lease = lease;
    stranger.tell(failed);
  }
  failed.lease = consumer.attached.lease;
  failed.generation = 77;
  viewer.tell(failed);
  EXPECT_TRUE(viewer.quiet_for(std::chrono::milliseconds(50)));
  EXPECT_TRUE(client.quiet_for(std::chrono::milliseconds(50)));
}

TEST_F(Transports, AProducerOnADeviceTheBrokerLacksCanUseHostMemory) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(9), "cam");
  producer.create();
  expect_host_memory(*producer.created.generation, producer.fds, 1);
  EXPECT_NE(producer.created.transport_reason.find("none of the broker's devices"), std::string::npos);
}

}  // namespace
}  // namespace ferry::daemon::test
