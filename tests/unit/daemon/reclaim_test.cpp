// What clients hand back to a broker that has never seen them.

#include "tests/unit/daemon/reclaim_fixture.h"

namespace ferry::daemon::test {
namespace {

using proto::ErrorCode;
using proto::LeaseId;
using proto::VerdictPageReader;
using namespace std::chrono_literals;

TEST_F(Reclaims, BringEverythingBack) {
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  const auto verdict = restored_stream();
  EXPECT_TRUE(VerdictPageReader(verdict.page()).is_alive(added.lease_index, LeaseId{added.lease}))
      << "held until its consumer comes";
  EXPECT_EQ(VerdictPageReader(verdict.page()).generation(), proto::GenerationId{4});
  send_lease_claim(*viewer, lease_claim());
  const auto restored = viewer->expect<wire::LeaseRestoredT>().first;
  EXPECT_EQ(restored.lease, added.lease);
  EXPECT_EQ(restored.state, wire::StreamState::Live);
  EXPECT_TRUE(renderer->quiet_for(300ms)) << "the producer knows the lease, and nobody is given up";
  const auto after = status(*viewer);
  ASSERT_EQ(after.streams.size(), 1u);
  EXPECT_EQ(after.streams[0]->stream, producer->created.stream);
  EXPECT_EQ(after.streams[0]->leases.size(), 1u);
  EXPECT_EQ(after.streams[0]->memory_bytes,
            producer->created.generation->allocation_size * producer->created.generation->slot_count);

  wire::ReconfigureT resize;
  resize.stream = producer->created.stream;
  resize.image = std::make_unique<wire::ImageT>(*producer->created.generation->image);
  resize.image->width_px = 128;
  renderer->send(std::move(resize));
  EXPECT_EQ(renderer->expect<wire::GenerationStartedT>().first.generation->id, 5u) << "above all that were told of";
  RawConsumer late(*viewer, device(), "cam");
  viewer->expect<wire::GenerationStartedT>();
  late.attach();
  EXPECT_GT(late.attached.lease, added.lease);
}

TEST_F(Reclaims, MayComeFromTheConsumerFirst) {
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  EXPECT_EQ(status(*viewer).streams[0]->state, wire::StreamState::Live);
  RawProducer other(*viewer, device(), "cam");
  const int fd = other.page.fd().get();
  viewer->send(other.request, {&fd, 1});
  EXPECT_NE(viewer->expect_refused(ErrorCode::kNameTaken).find("expects back"), std::string::npos);
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  const auto verdict = restored_stream();
  EXPECT_TRUE(VerdictPageReader(verdict.page()).is_alive(added.lease_index, LeaseId{added.lease}));
  EXPECT_TRUE(renderer->quiet_for(300ms));
  EXPECT_TRUE(viewer->quiet_for(50ms));
}

TEST_F(Reclaims, KeepThePlacesOfThoseWhoAreYetToCome) {
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  RawClient newcomer = connect("newcomer");
  RawConsumer late(newcomer, device(), "cam");
  late.send();
  EXPECT_TRUE(newcomer.quiet_for(20ms)) << "only the producer knows who has which place";
  // Another lease, whose consumer is slow.
  RawConsumer slow(*viewer, device(), "cam");
  sign(slow.page.page().writer, getpid());
  wire::HandBackLeaseT part;
  part.stream = added.stream;
  part.lease = added.lease + 1;
  part.lease_index = added.lease_index + 1;
  part.mode = wire::ConsumerMode::Latest;
  part.max_holds = 1;
  hand_back_lease();
  const int page = slow.page.fd().get();
  renderer->send(std::move(part), {&page, 1});
  send_stream_claim(*renderer, stream_claim());
  restored_stream();
  late.take_answer();
  EXPECT_EQ(late.attached.lease_index, added.lease_index + 2);
}

TEST_F(Reclaims, ServeNewcomersWhenNobodyElseHasCome) {
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  RawClient newcomer = connect("newcomer");
  RawConsumer late(newcomer, device(), "cam");
  late.attach();
  EXPECT_NE(late.attached.lease_index, added.lease_index);
}

TEST_F(Reclaims, TellNewcomersThatTheStreamEndedInstead) {
  producer->page.page().writer.started_ticks = 1;  // its producer is gone
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  RawClient newcomer = connect("newcomer");
  RawConsumer late(newcomer, device(), "cam");
  late.send();
  EXPECT_TRUE(newcomer.quiet_for(20ms));
  wire::DetachT detach;
  detach.lease = added.lease;
  viewer->send(detach);
  viewer->expect<wire::DoneT>();
  newcomer.expect_refused(ErrorCode::kNotFound);
}

TEST_F(Reclaims, IntroduceALeaseThatTheProducerWasNeverToldOf) {
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  send_stream_claim(*renderer, stream_claim());
  restored_stream();
  const auto told = renderer->expect<wire::LeaseAddedT>();
  const auto changed = viewer->expect<wire::ProducerChangedT>();
  EXPECT_EQ(told.first.lease, added.lease);
  platform::ring_channel(told.second.fds[1]);
  EXPECT_TRUE(platform::drain_channel(changed.second.fds[1])) << "the two ends of one channel";
}

TEST_F(Reclaims, OfADeadProducersStreamMakeAnOrphan) {
  producer->page.page().writer.started_ticks = 1;  // another process had this number then
  send_lease_claim(*viewer, lease_claim());
  EXPECT_EQ(viewer->expect<wire::LeaseRestoredT>().first.state, wire::StreamState::Orphaned);
  EXPECT_EQ(*gpu->counters().front(), 1u) << "what the dead one promised is signalled";
  RawProducer next(*renderer, device(), "cam");
  next.create();
  EXPECT_EQ(next.created.stream, producer->created.stream);
  EXPECT_EQ(next.created.first_sequence, 2u);
  EXPECT_EQ(next.created.generation->id, 5u);
}

TEST_F(Reclaims, AreForTheWritersOfThePagesOnly) {
  auto stranger = stand_in("stranger");
  send_stream_claim(stranger->client(), stream_claim());
  stranger->client().expect_refused(ErrorCode::kPermissionDenied);
  send_lease_claim(stranger->client(), lease_claim());
  stranger->client().expect_refused(ErrorCode::kPermissionDenied);
}

TEST_F(Reclaims, OfAnothersLeaseAreRefused) {
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  restored_stream();
  RawConsumer impostor(*viewer, device(), "cam");
  sign(impostor.page.page().writer, getpid());
  hand_back_generation(*viewer, *consumer->attached.generation, std::span(consumer->fds).subspan(4));
  viewer->send(lease_claim(),
               std::vector<int>{impostor.page.fd().get(), consumer->fds[1].get(), consumer->fds[3].get()});
  EXPECT_NE(viewer->expect_refused(ErrorCode::kPermissionDenied).find("another's"), std::string::npos);
}

TEST_F(Reclaims, AreGoodOnce) {
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  restored_stream();
  send_stream_claim(*viewer, stream_claim());
  viewer->expect_refused(ErrorCode::kNameTaken);
  send_lease_claim(*viewer, lease_claim());
  viewer->expect<wire::LeaseRestoredT>();
  RawClient again = connect();
  send_lease_claim(again, lease_claim());
  again.expect_refused(ErrorCode::kNameTaken);
}

TEST_F(Reclaims, ThatComeTooLateAreRefused) {
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  const auto verdict = restored_stream();
  const auto ended = renderer->expect<wire::LeaseEndedT>().first;
  EXPECT_EQ(ended.lease, added.lease);
  EXPECT_EQ(ended.reason, wire::EndReason::Evicted);
  EXPECT_FALSE(VerdictPageReader(verdict.page()).is_alive(added.lease_index, LeaseId{added.lease}));
  send_lease_claim(*viewer, lease_claim());
  viewer->expect_refused(ErrorCode::kEvicted);
}

TEST_F(Reclaims, OfSomebodyWhoLeftEndAtOnce) {
  consumer->page.page().writer.left = 1;
  hand_back_lease();
  send_stream_claim(*renderer, stream_claim());
  EXPECT_EQ(renderer->expect<wire::LeaseEndedT>().first.lease, added.lease);
  const auto verdict = restored_stream();
  EXPECT_FALSE(VerdictPageReader(verdict.page()).is_alive(added.lease_index, LeaseId{added.lease}));
}

TEST_F(Reclaims, OfADmaBufKeepItsModifier) {
  constexpr std::uint64_t kTiled = 0x0300000000606010u;
  for (const proto::FormatInfo& format : proto::kRgbFormats) gpu->add_modifiers(format.format, {0, kTiled});
  come_back(Policy({}, geteuid()));
  auto info = *producer->created.generation;
  info.transport = wire::Transport::DmaBuf;
  info.has_timeline = false;
  info.planes = {wire::Plane(0, 4096)};
  info.foreign = true;
  const auto hand_back_in = [&](std::uint64_t modifier) {
    info.modifier = modifier;
    hand_back_generation(*renderer, info, std::span(producer->fds).subspan(2));
    const int fd = producer->page.fd().get();
    renderer->send(stream_claim(), {&fd, 1});
  };
  hand_back_in(0x42);
  const auto refused = renderer->expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible));
  EXPECT_NE(refused.message.find("0x0000000000000042"), std::string::npos) << refused.message;
  ASSERT_TRUE(refused.conflict);
  EXPECT_EQ(refused.conflict->party, "the broker");
  EXPECT_EQ(refused.conflict->constraint, "modifier");
  EXPECT_EQ(refused.conflict->party_has, (std::vector<std::string>{"LINEAR", "0x0300000000606010"}));
  EXPECT_EQ(refused.conflict->others_have, std::vector<std::string>{"0x0000000000000042"});
  hand_back_in(kTiled);
  restored_stream();
  const auto reply = status(*renderer);
  ASSERT_EQ(reply.streams.size(), 1u);
  EXPECT_EQ(reply.streams[0]->generation->transport, wire::Transport::DmaBuf);
  EXPECT_EQ(reply.streams[0]->generation->modifier, kTiled);
  EXPECT_EQ(reply.streams[0]->generation->planes.size(), 1u);
  EXPECT_TRUE(reply.streams[0]->generation->foreign) << "whose barriers go on";
}

TEST_F(Reclaims, OfALeaseThatCannotImportTheModifierInUseAreRefused) {
  constexpr std::uint64_t kTiled = 0x0300000000606010u;
  for (const proto::FormatInfo& format : proto::kRgbFormats) gpu->add_modifiers(format.format, {0, kTiled});
  come_back(Policy({}, geteuid()));
  auto info = *producer->created.generation;
  info.transport = wire::Transport::DmaBuf;
  info.has_timeline = false;
  info.planes = {wire::Plane(0, 4096)};
  info.modifier = kTiled;
  hand_back_generation(*renderer, info, std::span(producer->fds).subspan(2));
  const int fd = producer->page.fd().get();
  renderer->send(stream_claim(), {&fd, 1});
  restored_stream();

  auto claim = lease_claim();
  claim.has_release_timeline = false;
  std::erase_if(claim.device->modifiers, [](const auto& known) { return known.modifier() == kTiled; });
  send_lease_claim(*viewer, claim);
  const auto refused = viewer->expect<wire::RefusedT>().first;
  EXPECT_EQ(refused.code, static_cast<std::int32_t>(ErrorCode::kIncompatible)) << refused.message;
  ASSERT_TRUE(refused.conflict);
  EXPECT_NE(refused.conflict->party.find("'viewer'"), std::string::npos);
  EXPECT_EQ(refused.conflict->constraint, "modifier");
  EXPECT_EQ(refused.conflict->party_has, std::vector<std::string>{"LINEAR"});
  EXPECT_EQ(refused.conflict->others_have, std::vector<std::string>{"0x0300000000606010"});
}

TEST_F(Reclaims, OfALeaseOnADeviceThatTheBrokerLacksWaitForTheProducer) {
  FakeGpu elsewhere(9);
  for (FakeGpu* device : {gpu.get(), &elsewhere}) {
    device->add_modifiers(proto::Format::kRgba8Unorm, {0});
    device->have_foreign_queues();
  }
  grace_ms = 20'000;
  come_back(Policy({}, geteuid()));
  auto info = *producer->created.generation;
  info.transport = wire::Transport::DmaBuf;
  info.has_timeline = false;
  info.planes = {wire::Plane(0, 4096)};
  info.foreign = true;
  auto claim = lease_claim();
  claim.has_release_timeline = false;
  claim.device = std::make_unique<wire::DeviceT>(device_of(elsewhere.capabilities()));
  hand_back_generation(*viewer, info, std::span(consumer->fds).subspan(5));
  viewer->send(std::move(claim), std::vector<int>{consumer->page.fd().get(), consumer->fds[1].get()});
  EXPECT_TRUE(viewer->quiet_for(50ms)) << "nothing can be taken back on its device";
  hand_back_generation(*renderer, info, std::span(producer->fds).subspan(2));
  const int fd = producer->page.fd().get();
  renderer->send(stream_claim(), {&fd, 1});
  restored_stream();
  viewer->expect<wire::LeaseRestoredT>();
  EXPECT_TRUE(viewer->expect<wire::ProducerChangedT>().first.generation->foreign);
}

TEST_F(Reclaims, AreChecked) {
  auto refused = [&](auto change) {
    auto claim = stream_claim();
    change(claim);
    send_stream_claim(*renderer, claim);
    renderer->expect_refused(ErrorCode::kInvalidArgument);
  };
  refused([](auto& c) { c.stream = std::uint64_t{1} << 40; });
  refused([](auto& c) { c.newest_generation = ~std::uint32_t{0}; });
  refused([](auto& c) { c.next_sequence = ~std::uint64_t{0}; });
  refused([](auto& c) { c.frames_in_flight = 99; });
  const int fd = producer->page.fd().get();
  renderer->send(stream_claim(), {&fd, 1});  // nothing was handed back before
  renderer->expect_refused(ErrorCode::kInvalidArgument);

  // A socket in the place of a texture.
  const auto pair = *platform::create_channel();
  auto fds = numbers(std::span(producer->fds).subspan(1));
  fds.back() = pair.producer_end.get();
  wire::HandBackGenerationT part;
  part.stream = producer->created.stream;
  part.generation = std::make_unique<wire::GenerationT>(*producer->created.generation);
  renderer->send(std::move(part), fds);
  EXPECT_NE(renderer->expect_goodbye(ErrorCode::kProtocolViolation).find("a socket"), std::string::npos);
}

}  // namespace
}  // namespace ferry::daemon::test
