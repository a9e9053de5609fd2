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
  const auto ended = viewer.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.reason, wire::EndReason::Evicted);
  ASSERT_TRUE(ended.conflict);
  EXPECT_NE(ended.conflict->party.find("'viewer'"), std::string::npos) << ended.conflict->party;
  EXPECT_EQ(ended.conflict->constraint, "transport");
  EXPECT_TRUE(ended.conflict->party_has.empty());
  EXPECT_EQ(ended.conflict->others_have, std::vector<std::string>{"host-memory"});
}

/// A stream that was moved to host-memory by somebody who has left, and a consumer that could use timelines and has none.
class SyncModeHost : public Transports {
 protected:
  void SetUp() override {
    Transports::SetUp();
    client = std::make_unique<RawClient>(connect("renderer"));
    viewer = std::make_unique<RawClient>(connect("viewer"));
    producer = std::make_unique<RawProducer>(*client, able(), "cam");
    producer->create();
    RawClient foreign = connect("foreigner");
    RawConsumer foreigner(foreign, able(9), "cam");
    foreigner.attach();
    client->expect<wire::GenerationStartedT>();
    client->expect<wire::LeaseAddedT>();
    native = std::make_unique<RawConsumer>(*viewer, able(), "cam");
    native->attach();
    ASSERT_FALSE(native->attached.has_release_timeline);
    client->expect<wire::LeaseAddedT>();
    foreigner.detach();
    client->expect<wire::LeaseEndedT>();
  }
  static void expect_opaque_fd_without_timelines(const wire::GenerationT& generation) {
    EXPECT_EQ(generation.transport, wire::Transport::OpaqueFd);
    EXPECT_FALSE(generation.has_timeline);
    EXPECT_EQ(generation.sync_reason, "host: consumers have joined in it, and it is for life");
  }
  std::unique_ptr<RawClient> client, viewer;
  std::unique_ptr<RawProducer> producer;
  std::unique_ptr<RawConsumer> native;
};

TEST_F(SyncModeHost, IsForLifeWhenAnImportFails) {
  wire::ImportFailedT failed;
  failed.stream = producer->created.stream;
  failed.lease = native->attached.lease;
  failed.generation = 2;
  viewer->tell(failed);
  expect_opaque_fd_without_timelines(*viewer->expect<wire::GenerationStartedT>().first.generation);
}

TEST_F(SyncModeHost, IsForLifeWhenSomebodyJoinsWhoNeedsAnotherWay) {
  RawClient late = connect("late");
  RawConsumer joins(late, FakeGpu(1).capabilities(), "cam");
  joins.attach();
  EXPECT_EQ(joins.attached.sync_mode, wire::SyncMode::Host);
  EXPECT_FALSE(joins.attached.has_release_timeline);
  expect_opaque_fd_without_timelines(*joins.attached.generation);
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

constexpr std::uint64_t kTiled = 0x0300000000606010u;

/// Of parties that share BGRA8 and RGBA8 as dma-bufs. The fake device likes the last modifier best.
class DmaBufTransport : public Transports {
 protected:
  static platform::DeviceCapabilities able_in(const std::vector<std::uint64_t>& modifiers, std::uint8_t number) {
    FakeGpu device(number);
    for (const proto::FormatInfo& format : proto::kRgbFormats) device.add_modifiers(format.format, modifiers);
    auto capabilities = device.capabilities();
    capabilities.host_memory = true;
    return capabilities;
  }
  void SetUp() override {
    gpu = std::make_shared<FakeGpu>(std::uint8_t{1}, true);
    for (const proto::FormatInfo& format : proto::kRgbFormats) gpu->add_modifiers(format.format, {0, kTiled});
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), Limits{}, Policy({}, geteuid()));
  }
  static void expect_dma_buf(const wire::GenerationT& generation, std::uint64_t modifier) {
    EXPECT_EQ(generation.transport, wire::Transport::DmaBuf);
    EXPECT_EQ(generation.modifier, modifier);
    EXPECT_EQ(generation.planes.size(), 1u);
    EXPECT_FALSE(generation.has_timeline);
  }
};

TEST_F(DmaBufTransport, EveryJoinerNarrowsTheModifiers) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), foreign = connect("foreigner");
  RawProducer producer(client, able_in({0, kTiled}, 1), "cam");
  producer.create();
  EXPECT_EQ(producer.created.generation->transport, wire::Transport::OpaqueFd);
  RawConsumer other(viewer, able_in({0, kTiled}, 2), "cam");
  other.attach();
  expect_dma_buf(*other.attached.generation, kTiled);
  expect_dma_buf(*client.expect<wire::GenerationStartedT>().first.generation, kTiled);
  client.expect<wire::LeaseAddedT>();

  RawConsumer simple(foreign, able_in({0}, 3), "cam");
  simple.attach();
  expect_dma_buf(*simple.attached.generation, 0);
  for (RawClient* told : {&client, &viewer}) expect_dma_buf(*told->expect<wire::GenerationStartedT>().first.generation, 0);
  client.expect<wire::LeaseAddedT>();

  // What comes later lies as all can have it, too.
  wire::ReconfigureT reconfigure;
  reconfigure.stream = producer.created.stream;
  reconfigure.image = std::make_unique<wire::ImageT>(*producer.created.generation->image);
  reconfigure.image->width_px = 128;
  client.send(reconfigure);
  for (RawClient* told : {&client, &viewer, &foreign})
    expect_dma_buf(*told->expect<wire::GenerationStartedT>().first.generation, 0);
}

/// Of parties whose images can be foreign in between.
class ForeignQueues : public DmaBufTransport {
 protected:
  static platform::DeviceCapabilities foreign(std::uint8_t number) {
    auto capabilities = able_in({0}, number);
    capabilities.foreign_queues = true;
    return capabilities;
  }
  void SetUp() override {
    DmaBufTransport::SetUp();
    gpu->have_foreign_queues();
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), Limits{}, Policy({}, geteuid()));
    client = std::make_unique<RawClient>(connect("renderer"));
    viewer = std::make_unique<RawClient>(connect("viewer"));
    producer = std::make_unique<RawProducer>(*client, foreign(1), "cam");
    native = std::make_unique<RawConsumer>(*viewer, foreign(1), "cam");
    producer->request.transport = wire::Transport::DmaBuf;
    producer->create();
    ASSERT_FALSE(producer->created.generation->foreign);
    native->attach();
    ASSERT_FALSE(native->attached.generation->foreign);
    client->expect<wire::LeaseAddedT>();
  }
  /// A consumer of another driver, which makes all change over.
  std::unique_ptr<RawConsumer> join(RawClient& as) {
    auto joins = std::make_unique<RawConsumer>(as, foreign(9), "cam");
    joins->attach();
    EXPECT_TRUE(joins->attached.generation->foreign);
    EXPECT_EQ(joins->attached.generation->id, 2u);
    for (RawClient* told : {client.get(), viewer.get()})
      EXPECT_TRUE(told->expect<wire::GenerationStartedT>().first.generation->foreign);
    client->expect<wire::LeaseAddedT>();
    return joins;
  }
  std::unique_ptr<RawClient> client, viewer;
  std::unique_ptr<RawProducer> producer;
  std::unique_ptr<RawConsumer> native;
};

TEST_F(ForeignQueues, AnotherDriverStartsAGenerationForAll) {
  RawClient other = connect("other");
  const auto joined = join(other);
  EXPECT_EQ(gpu->newest_owner(), VK_QUEUE_FAMILY_FOREIGN_EXT) << "released to whom the first barrier takes them from";

  // It stays so without it: for the next one, and when the image changes.
  joined->detach();
  client->expect<wire::LeaseEndedT>();
  RawClient late = connect("late");
  RawConsumer later(late, foreign(1), "cam");
  later.attach();
  EXPECT_EQ(later.attached.generation->id, 2u);
  client->expect<wire::LeaseAddedT>();
  wire::ReconfigureT reconfigure;
  reconfigure.stream = producer->created.stream;
  reconfigure.image = std::make_unique<wire::ImageT>(*producer->created.generation->image);
  reconfigure.image->width_px = 128;
  client->send(reconfigure);
  EXPECT_TRUE(client->expect<wire::GenerationStartedT>().first.generation->foreign);
}

TEST_F(ForeignQueues, AreLeftWhenSomebodyJoinsWhoHasNone) {
  RawClient other = connect("other"), old = connect("old");
  const auto joined = join(other);
  RawConsumer lacks(old, able_in({0}, 1), "cam");
  lacks.attach();
  EXPECT_EQ(lacks.attached.generation->id, 3u);
  EXPECT_FALSE(lacks.attached.generation->foreign);
  EXPECT_NE(lacks.attached.transport_reason.find("external queues, because consumer 'old'"), std::string::npos)
      << lacks.attached.transport_reason;
  EXPECT_FALSE(client->expect<wire::GenerationStartedT>().first.generation->foreign);
  EXPECT_EQ(gpu->newest_owner(), VK_QUEUE_FAMILY_EXTERNAL);
}

TEST_F(DmaBufTransport, AModifierThatCannotBeImportedIsLeftOut) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  RawProducer producer(client, able_in({0, kTiled}, 1), "cam");
  producer.create();
  RawConsumer consumer(viewer, able_in({0, kTiled}, 2), "cam");
  consumer.attach();
  client.expect<wire::GenerationStartedT>();
  client.expect<wire::LeaseAddedT>();
  wire::ImportFailedT failed;
  failed.stream = producer.created.stream;
  failed.lease = consumer.attached.lease;
  failed.reason = "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE";
  failed.generation = 2;
  viewer.tell(failed);
  expect_dma_buf(*viewer.expect<wire::GenerationStartedT>().first.generation, 0);
  client.expect<wire::GenerationStartedT>();
  failed.generation = 3;
  viewer.tell(failed);
  const auto [started, message] = viewer.expect<wire::GenerationStartedT>();
  expect_host_memory(*started.generation, message.fds, 0);
  EXPECT_NE(started.generation->transport_reason.find("cannot import by dma-buf"), std::string::npos);
}

TEST_F(DmaBufTransport, NoModifierInCommonIsRefusedWithFormatAndBothLists) {
  RawClient client = connect("renderer"), foreign = connect("foreigner");
  RawProducer producer(client, able_in({0, kTiled}, 1), "cam");
  producer.request.transport = wire::Transport::DmaBuf;
  producer.create();
  expect_dma_buf(*producer.created.generation, kTiled);
  RawConsumer foreigner(foreign, able_in({0x42}, 2), "cam");
  foreigner.send();
  const auto [refused, message] = foreign.expect<wire::RefusedT>();
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("imports no modifier of RGBA8"), std::string::npos) << refused.message;
  ASSERT_TRUE(refused.conflict);
  EXPECT_EQ(refused.conflict->constraint, "modifier");
  EXPECT_EQ(refused.conflict->party_has, std::vector<std::string>{"0x0000000000000042"});
  EXPECT_EQ(refused.conflict->others_have, (std::vector<std::string>{"LINEAR", "0x0300000000606010"}));
}

}  // namespace
}  // namespace ferry::daemon::test
