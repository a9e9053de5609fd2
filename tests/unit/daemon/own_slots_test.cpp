// Streams whose producer brings its own dma-bufs as slots.

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <algorithm>

#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using platform::UniqueFd;
using proto::ErrorCode;
using namespace std::chrono_literals;

constexpr std::uint64_t kTiled = 0x0300000000606010u;
constexpr std::uint64_t kForeign = 0x0800000000000001u;  // imported by the broker's device, never allocated
constexpr std::uint64_t kSlotBytes = 64 * 32 * 4;

std::vector<UniqueFd> make_slots(std::size_t count) {
  std::vector<UniqueFd> slots;
  for (std::size_t i = 0; i < count; ++i) slots.emplace_back(memfd_create("own-slot", MFD_CLOEXEC));
  return slots;
}

bool same_files(std::span<const UniqueFd> some, std::span<const UniqueFd> others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(), [](const auto& a, const auto& b) {
    return platform::identify_file(a)->same_file(*platform::identify_file(b));
  });
}

std::unique_ptr<wire::OwnSlotsT> described(std::uint64_t modifier, std::uint32_t count) {
  auto own = std::make_unique<wire::OwnSlotsT>();
  own->slot_count = count;
  own->allocation_size = kSlotBytes;
  own->modifier = modifier;
  own->planes = {wire::Plane(0, 256)};
  return own;
}

class OwnSlotStreams : public BrokerTest {
 protected:
  void SetUp() override { start_over({}); }
  void start_over(const Limits& limits, Policy policy = Policy({}, geteuid()), bool has_timelines = false) {
    gpu = std::make_shared<FakeGpu>(std::uint8_t{1}, has_timelines);
    give_modifiers(*gpu);
    broker = std::make_unique<TestBroker>(GpuPool::of({gpu}), limits, std::move(policy), 0, manager.get());
  }
  static void give_modifiers(FakeGpu& device) {
    device.add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
    device.add_modifiers(proto::Format::kRgba8Unorm, {kForeign}, false);
  }
  static platform::DeviceCapabilities able(std::uint8_t number = 1, bool fences = false) {
    FakeGpu device(number, false);
    give_modifiers(device);
    if (fences) device.add_fences();
    auto capabilities = device.capabilities();
    capabilities.host_memory = true;
    return capabilities;
  }
  static platform::DeviceCapabilities able_in(const std::vector<std::uint64_t>& modifiers, std::uint8_t number) {
    FakeGpu device(number, false);
    device.add_modifiers(proto::Format::kRgba8Unorm, modifiers);
    auto capabilities = device.capabilities();
    capabilities.host_memory = true;
    return capabilities;
  }
  /// A stream 'cam' of @p client, which brings slots.
  RawProducer bring(RawClient& client, std::uint64_t modifier = kForeign, std::uint32_t count = 4,
                    const platform::DeviceCapabilities& on = able()) {
    RawProducer producer(client, on, "cam");
    producer.request.own = described(modifier, count);
    slots = make_slots(count);
    producer.create(numbers(slots));
    return producer;
  }
  wire::ReconfigureT replacement(const RawProducer& producer, std::uint64_t modifier, std::uint32_t count) {
    wire::ReconfigureT asked;
    asked.stream = producer.created.stream;
    asked.image = std::make_unique<wire::ImageT>(*producer.request.image);
    asked.image->width_px = 48;
    asked.own = described(modifier, count);
    slots = make_slots(count);
    return asked;
  }
  wire::StatusReplyT status(RawClient& client) {
    client.send(wire::QueryStatusT{});
    return client.expect<wire::StatusReplyT>().first;
  }
  static void expect_own(const wire::GenerationT& generation, std::uint64_t modifier, std::uint32_t count) {
    EXPECT_TRUE(generation.own);
    EXPECT_EQ(generation.transport, wire::Transport::DmaBuf);
    EXPECT_EQ(generation.modifier, modifier);
    EXPECT_EQ(generation.allocation_size, kSlotBytes);
    EXPECT_EQ(generation.slot_count, count);
    ASSERT_EQ(generation.planes.size(), 1u);
    EXPECT_EQ(generation.planes[0].row_pitch(), 256u);
    EXPECT_FALSE(generation.has_timeline);
  }
  static void expect_conflict(const wire::ConflictT* conflict, const char* constraint, const std::vector<std::string>& party_has,
                              const std::vector<std::string>& others_have) {
    ASSERT_NE(conflict, nullptr);
    EXPECT_NE(conflict->party.find("consumer 'viewer'"), std::string::npos) << conflict->party;
    EXPECT_EQ(conflict->constraint, constraint);
    EXPECT_EQ(conflict->party_has, party_has);
    EXPECT_EQ(conflict->others_have, others_have);
  }

  std::vector<UniqueFd> slots;  ///< that were brought last
};

TEST_F(OwnSlotStreams, ArePassedOnAsTheyWereBrought) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  EXPECT_TRUE(RawClient(broker->socket()).greet("another").takes_own_slots);
  const RawProducer producer = bring(client);
  expect_own(*producer.created.generation, kForeign, 4);
  EXPECT_TRUE(same_files(std::span(producer.fds).subspan(1), slots)) << "in their order";
  EXPECT_EQ(producer.created.transport_reason, "dma-buf, RGBA8 as 0x0800000000000001: the slots are the producer's own");
  RawConsumer consumer(viewer, able(2), "cam");
  consumer.attach();
  expect_own(*consumer.attached.generation, kForeign, 4);
  EXPECT_TRUE(same_files(std::span(consumer.fds).last(4), slots));
  const auto seen = status(viewer);
  EXPECT_TRUE(seen.streams[0]->generation->own);
  EXPECT_EQ(seen.streams[0]->transport_reason, producer.created.transport_reason);
  EXPECT_EQ(seen.streams[0]->memory_bytes, 4 * kSlotBytes);
  EXPECT_EQ(seen.broker->memory_bytes, 4 * kSlotBytes) << "paid for";
}

TEST_F(OwnSlotStreams, RefuseAConsumerThatLacksTheModifierOrTheTransport) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  const RawProducer producer = bring(client);
  RawConsumer consumer(viewer, able_in({0, kTiled}, 2), "cam");
  consumer.send();
  auto refused = viewer.expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("imports no RGBA8 in modifier 0x0800000000000001"), std::string::npos) << refused.message;
  EXPECT_NE(refused.message.find("the slots are the producer's own"), std::string::npos) << refused.message;
  expect_conflict(refused.conflict.get(), "modifier", {"LINEAR", "0x0300000000606010"}, {"0x0800000000000001"});

  auto without = able(2);
  without.dma_buf = false;
  without.dma_buf_reason = "no /dev/udmabuf";
  RawConsumer other(viewer, without, "cam");
  other.send();
  refused = viewer.expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("cannot import by dma-buf: no /dev/udmabuf; the slots are the producer's own"),
            std::string::npos)
      << refused.message;
  expect_conflict(refused.conflict.get(), "transport", {"opaque-fd", "host-memory"}, {"dma-buf"});
  EXPECT_TRUE(client.quiet_for(50ms)) << "the stream is as it was";
}

TEST_F(OwnSlotStreams, EvictAConsumerWhoseImportFails) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  const RawProducer producer = bring(client);
  RawConsumer consumer(viewer, able(2), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  wire::ImportFailedT failed;
  failed.stream = producer.created.stream;
  failed.lease = consumer.attached.lease;
  failed.generation = 1;
  failed.reason = "vkAllocateMemory: VK_ERROR_INVALID_EXTERNAL_HANDLE";
  viewer.tell(failed);
  const auto ended = viewer.expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.reason, wire::EndReason::Evicted);
  EXPECT_NE(ended.message.find("the slots are the producer's own"), std::string::npos) << ended.message;
  EXPECT_NE(ended.message.find("VK_ERROR_INVALID_EXTERNAL_HANDLE"), std::string::npos) << ended.message;
  expect_conflict(ended.conflict.get(), "modifier", {"LINEAR", "0x0300000000606010"}, {"0x0800000000000001"});
  client.expect<wire::LeaseEndedT>();
  EXPECT_TRUE(client.quiet_for(50ms)) << "no other generation";
}

TEST_F(OwnSlotStreams, NeverGrow) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  const RawProducer producer = bring(client);
  std::vector<RawConsumer> consumers;
  for (int i = 0; i < 3; ++i) {
    RawConsumer& consumer = consumers.emplace_back(viewer, able(2), "cam");
    consumer.request.max_holds = 8;
    consumer.attach();
    client.expect<wire::LeaseAddedT>();
  }
  EXPECT_TRUE(client.quiet_for(50ms));
  EXPECT_TRUE(viewer.quiet_for(10ms));
  const auto stream = std::move(status(viewer).streams[0]);
  EXPECT_EQ(stream->generation->slot_count, 4u);
  EXPECT_GT(stream->slots_required, 4u) << "status says that it is short";
}

TEST_F(OwnSlotStreams, AreLookedAtBeforeAnybodyIsTold) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(), "cam");
  producer.request.own = described(0, 4);
  slots = make_slots(4);
  const UniqueFd counter(eventfd(0, EFD_CLOEXEC));
  ASSERT_TRUE(counter);
  auto with_counter = numbers(slots);
  with_counter[2] = counter.get();
  producer.send(with_counter);
  const std::string why = client.expect_refused(ErrorCode::kProtocolViolation);
  EXPECT_NE(why.find("slot 2: the descriptor is no memory"), std::string::npos) << why;
  EXPECT_NE(why.find("stream 'cam'"), std::string::npos) << why;
  EXPECT_TRUE(status(client).streams.empty()) << "and the session goes on";
  EXPECT_EQ(status(client).broker->memory_bytes, 0u);
  producer.create(numbers(slots));
}

TEST_F(OwnSlotStreams, AreCountedAndMeasured) {
  Limits limits;
  limits.max_slots = 8;
  limits.texture_memory_bytes_per_session = 4 * kSlotBytes;
  start_over(limits);
  RawClient client = connect("renderer");
  const auto refused = [&](ErrorCode code, const char* text, auto change) {
    RawProducer producer(client, able(), "cam");
    producer.request.own = described(0, 4);
    change(producer.request);
    slots = make_slots(producer.request.own->slot_count);
    producer.send(numbers(slots));
    const std::string why = client.expect_refused(code);
    EXPECT_NE(why.find(text), std::string::npos) << why;
  };
  refused(ErrorCode::kInvalidArgument, "2 slots are brought for stream 'cam', fewer than 3",
          [](auto& request) { request.own->slot_count = 2; });
  refused(ErrorCode::kLimitExceeded, "the limit max_slots is 8", [](auto& request) { request.own->slot_count = 9; });
  refused(ErrorCode::kInvalidArgument, "slots of 0 bytes", [](auto& request) { request.own->allocation_size = 0; });
  refused(ErrorCode::kInvalidArgument, "in transport host-memory",
          [](auto& request) { request.transport = wire::Transport::HostMemory; });
  refused(ErrorCode::kLimitExceeded, "bytes of texture memory", [](auto& request) { request.own->slot_count = 5; });
  refused(ErrorCode::kIncompatible, "has no timelines in common",
          [](auto& request) { request.sync_mode = wire::SyncMode::Timeline; });
  refused(ErrorCode::kUnsupported, "the broker on device 'Fake GPU' imports no RGBA8 in modifier 0x0000000000000042",
          [](auto& request) { request.own->modifier = 0x42; });
  bring(client);
}

TEST_F(OwnSlotStreams, NeedADeviceOfTheBrokers) {
  RawClient client = connect("renderer");
  RawProducer producer(client, able(9), "cam");
  producer.request.own = described(0, 3);
  slots = make_slots(3);
  producer.send(numbers(slots));
  const std::string why = client.expect_refused(ErrorCode::kUnsupported);
  EXPECT_NE(why.find("none of the broker's devices"), std::string::npos) << why;
}

TEST_F(OwnSlotStreams, AreReplacedByOthers) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  const RawProducer producer = bring(client);
  RawConsumer consumer(viewer, able_in({0, kForeign}, 2), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  auto bigger = replacement(producer, 0, 5);
  client.send(bigger, numbers(slots));
  for (RawClient* told : {&client, &viewer}) {
    const auto [started, message] = told->expect<wire::GenerationStartedT>();
    expect_own(*started.generation, 0, 5);
    EXPECT_EQ(started.generation->image->width_px, 48u);
    EXPECT_EQ(started.generation->reason, "resize");
    EXPECT_EQ(started.generation->transport_reason, "dma-buf, RGBA8 as LINEAR: the slots are the producer's own");
    EXPECT_TRUE(same_files(message.fds, slots));
  }
  // What a consumer cannot import changes nothing.
  auto tiled = replacement(producer, kTiled, 3);
  client.send(tiled, numbers(slots));
  const auto refused = client.expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  expect_conflict(refused.conflict.get(), "modifier", {"LINEAR", "0x0800000000000001"}, {"0x0300000000606010"});
  EXPECT_TRUE(viewer.quiet_for(50ms));
  EXPECT_EQ(status(client).streams[0]->generation->id, 2u);
}

TEST_F(OwnSlotStreams, AndSlotsOfTheBrokersAreNotMixed) {
  RawClient client = connect("renderer");
  const RawProducer producer = bring(client);
  auto without = replacement(producer, 0, 3);
  without.own.reset();
  client.send(without);
  EXPECT_NE(client.expect_refused(ErrorCode::kInvalidState).find("own: it has to bring the new ones"), std::string::npos);
  RawProducer ordinary(client, able(), "other");
  ordinary.create();
  auto with = replacement(ordinary, 0, 3);
  client.send(with, numbers(slots));
  EXPECT_NE(client.expect_refused(ErrorCode::kInvalidState).find("broker's"), std::string::npos);
}

TEST_F(OwnSlotStreams, TakeOverAndAreTakenOver) {
  start_over({}, Policy({}, geteuid()), true);
  const auto with_timelines = [] {
    FakeGpu device(std::uint8_t{1}, true);
    give_modifiers(device);
    return device.capabilities();
  }();
  RawClient viewer = connect("viewer");
  auto first = stand_in("first");
  RawProducer ordinary(first->client(), with_timelines, "cam");
  ordinary.create();
  ASSERT_EQ(ordinary.created.sync_mode, wire::SyncMode::Timeline);
  RawConsumer consumer(viewer, with_timelines, "cam");
  consumer.attach();
  ASSERT_TRUE(consumer.attached.has_release_timeline);
  first->kill();
  viewer.expect<wire::StreamStateChangedT>();

  auto second = stand_in("second");
  const RawProducer own = bring(second->client(), kForeign, 4, with_timelines);
  expect_own(*own.created.generation, kForeign, 4);
  EXPECT_EQ(own.created.sync_mode, wire::SyncMode::Host) << own.created.sync_reason;
  {
    const auto [changed, message] = viewer.expect<wire::ProducerChangedT>();
    expect_own(*changed.generation, kForeign, 4);
    EXPECT_TRUE(same_files(std::span(message.fds).last(4), slots));
  }
  second->kill();
  viewer.expect<wire::StreamStateChangedT>();

  RawClient third = connect("third");
  RawProducer last(third, with_timelines, "cam");
  last.create();
  EXPECT_FALSE(last.created.generation->own);
  EXPECT_EQ(last.created.generation->id, 3u);
  EXPECT_FALSE(viewer.expect<wire::ProducerChangedT>().first.generation->own);
  wire::ReconfigureT bigger;
  bigger.stream = last.created.stream;
  bigger.image = std::make_unique<wire::ImageT>(*last.request.image);
  bigger.image->width_px = 128;
  third.expect<wire::LeaseAddedT>();
  third.send(bigger);
  EXPECT_EQ(third.expect<wire::GenerationStartedT>().first.generation->id, 4u) << "as ever";
}

TEST_F(OwnSlotStreams, ShowWhoHasNoFencesWhatIsComplete) {
  RawClient client = connect("renderer"), viewer = connect("viewer"), other = connect("other");
  const RawProducer producer = bring(client, 0, 4, able(1, true));
  EXPECT_EQ(producer.created.sync_mode, wire::SyncMode::SyncFd) << producer.created.sync_reason;
  RawConsumer fenced(viewer, able(2, true), "cam");
  fenced.attach();
  EXPECT_EQ(fenced.attached.sync_mode, wire::SyncMode::SyncFd);
  EXPECT_TRUE(fenced.attached.has_fence_channel);
  client.expect<wire::LeaseAddedT>();
  RawConsumer plain(other, able(3), "cam");
  plain.attach();
  EXPECT_EQ(plain.attached.sync_mode, wire::SyncMode::Host) << plain.attached.sync_reason;
  EXPECT_EQ(plain.attached.generation->sync_mode, wire::SyncMode::Host);
  EXPECT_TRUE(plain.attached.completed_only);
  EXPECT_FALSE(plain.attached.has_fence_channel);
  EXPECT_NE(plain.attached.sync_reason.find("host for this lease: consumer 'other'"), std::string::npos)
      << plain.attached.sync_reason;
  EXPECT_TRUE(client.expect<wire::LeaseAddedT>().first.completed_only);
  EXPECT_TRUE(client.quiet_for(50ms)) << "no other generation: its slots are the same";
  EXPECT_TRUE(viewer.quiet_for(10ms));
  // A third, and new slots, leave it at that.
  RawConsumer another(viewer, able(2, true), "cam");
  another.attach();
  EXPECT_EQ(another.attached.sync_mode, wire::SyncMode::SyncFd);
  client.expect<wire::LeaseAddedT>();
  auto bigger = replacement(producer, 0, 5);
  client.send(bigger, numbers(slots));
  EXPECT_EQ(client.expect<wire::GenerationStartedT>().first.generation->sync_mode, wire::SyncMode::SyncFd);
  EXPECT_EQ(viewer.expect<wire::GenerationStartedT>().first.generation->sync_mode, wire::SyncMode::SyncFd);
  EXPECT_EQ(other.expect<wire::GenerationStartedT>().first.generation->sync_mode, wire::SyncMode::Host);
}

TEST_F(OwnSlotStreams, OutliveTheBrokersDevice) {
  RawClient client = connect("renderer"), viewer = connect("viewer");
  const RawProducer producer = bring(client);
  RawConsumer consumer(viewer, able(2), "cam");
  consumer.attach();
  client.expect<wire::LeaseAddedT>();
  broker->on_loop([&] { gpu->fail({ErrorCode::kDeviceLost, "the driver says no"}, 1); });
  RawProducer other(client, able(), "other");
  other.send();
  // Fakes are not opened anew: the other stream has no device. This one needs none.
  client.expect<wire::RefusedT>();
  EXPECT_TRUE(viewer.quiet_for(50ms));
  const auto seen = status(viewer);
  ASSERT_EQ(seen.streams.size(), 1u);
  EXPECT_EQ(seen.streams[0]->state, wire::StreamState::Live);
  EXPECT_EQ(seen.streams[0]->generation->id, 1u);
}

constexpr const char* kStrangersMayView = "[[rule]]\nallow = ['view']\nsandbox = 'user-namespace'\n";

TEST_F(OwnSlotStreams, AreGivenToOtherTrustDomains) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  start_over({}, Policy(parse_config(kStrangersMayView, "test.toml")->rules, geteuid()));
  RawClient client = connect("renderer");
  const RawProducer producer = bring(client, 0, 4, able(1, true));
  StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
  stranger.client().greet("stranger");
  RawConsumer consumer(stranger.client(), able(2, true), "cam");
  consumer.attach();
  EXPECT_TRUE(same_files(std::span(consumer.fds).last(4), slots));
  EXPECT_TRUE(consumer.attached.completed_only);
  EXPECT_FALSE(consumer.attached.has_fence_channel);
  EXPECT_TRUE(client.expect<wire::LeaseAddedT>().first.completed_only);
}

/// Whose broker has gone, and which come back to the next one.
class OwnSlotsReturn : public OwnSlotStreams {
 protected:
  void create() {
    renderer = std::make_unique<RawClient>(connect("renderer"));
    producer = std::make_unique<RawProducer>(bring(*renderer));
    sign(producer->page.page().writer, getpid());
  }
  void come_back(Policy policy = Policy({}, geteuid())) {
    restart({}, std::move(policy));
    *renderer = connect("renderer");
  }
  void claim() {
    wire::HandBackGenerationT part;
    part.stream = producer->created.stream;
    part.generation = std::make_unique<wire::GenerationT>(*producer->created.generation);
    renderer->send(std::move(part), numbers(std::span(producer->fds).subspan(1)));
    wire::ReclaimStreamT claim;
    claim.stream = producer->created.stream;
    claim.name = "cam";
    claim.device = std::make_unique<wire::DeviceT>(*producer->request.device);
    claim.queue_policy = wire::QueuePolicy::Drop;
    claim.frames_in_flight = 2;
    claim.next_sequence = 1;
    claim.newest_generation = 1;
    claim.producers = 1;
    const int fd = producer->page.fd().get();
    renderer->send(claim, {&fd, 1});
    renderer->expect<wire::StreamRestoredT>();
  }
  /// It is what it was, and has its rules.
  void expect_as_before() {
    RawClient viewer = connect("viewer");
    const auto seen = status(viewer);
    ASSERT_EQ(seen.streams.size(), 1u);
    expect_own(*seen.streams[0]->generation, kForeign, 4);
    EXPECT_EQ(seen.broker->memory_bytes, 4 * kSlotBytes);
    RawConsumer unable(viewer, able_in({0}, 2), "cam");
    unable.send();
    expect_conflict(viewer.expect<wire::RefusedT>().first.conflict.get(), "modifier", {"LINEAR"}, {"0x0800000000000001"});
    RawConsumer consumer(viewer, able(2), "cam");
    consumer.request.max_holds = 8;
    consumer.attach();
    EXPECT_TRUE(same_files(std::span(consumer.fds).last(4), slots));
    renderer->expect<wire::LeaseAddedT>();
    EXPECT_TRUE(renderer->quiet_for(50ms)) << "no bigger pool";
    auto plain = replacement(*producer, 0, 3);
    plain.own.reset();
    renderer->send(plain);
    renderer->expect_refused(ErrorCode::kInvalidState);
    auto bigger = replacement(*producer, kForeign, 5);
    renderer->send(bigger, numbers(slots));
    expect_own(*renderer->expect<wire::GenerationStartedT>().first.generation, kForeign, 5);
  }

  std::unique_ptr<RawClient> renderer;
  std::unique_ptr<RawProducer> producer;
};

TEST_F(OwnSlotsReturn, AsTheProducersOwn) {
  create();
  come_back();
  claim();
  expect_as_before();
}

TEST_F(OwnSlotsReturn, FromTheServiceManager) {
  manager = std::make_unique<ferry::test::ServiceManager>(folder.file("notify"));
  start_over({});
  create();
  come_back();
  const auto kept = status(*renderer);
  ASSERT_EQ(kept.streams.size(), 1u);
  expect_own(*kept.streams[0]->generation, kForeign, 4);
  claim();
  expect_as_before();
}

TEST_F(OwnSlotsReturn, AndAreGivenToOtherTrustDomainsAsTheyAre) {
  if (!StandIn::can_be_shut_in()) GTEST_SKIP() << "this kernel lets nobody make a user namespace";
  create();
  come_back(Policy(parse_config(kStrangersMayView, "test.toml")->rules, geteuid()));
  claim();
  StandIn stranger(broker->socket(), StandIn::Home::kUserNamespace);
  stranger.client().greet("stranger");
  RawConsumer consumer(stranger.client(), able(2), "cam");
  consumer.attach();
  EXPECT_TRUE(same_files(std::span(consumer.fds).last(4), slots));
}

}  // namespace
}  // namespace ferry::daemon::test
