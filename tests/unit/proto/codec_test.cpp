#include "proto/codec.h"

#include <gtest/gtest.h>

#include <map>

#include "message_samples.h"
#include "proto/generation_sync.h"
#include "proto/limits.h"
#include "proto/session_state.h"

namespace ferry::proto {
namespace {

using testing::all_bodies;
using testing::kSampleSlots;
using testing::sample_body;

std::unique_ptr<Envelope> decoded(const std::vector<std::byte>& packet) {
  auto envelope = decode(packet);
  EXPECT_TRUE(envelope.ok()) << envelope.error().message;
  return envelope ? std::move(*envelope) : std::make_unique<Envelope>();
}

TEST(Codec, EveryMessageComesBackAsItWas) {
  for (const wire::Body type : all_bodies()) {
    const auto packet = encode(42, sample_body(type));
    auto envelope = decoded(packet);
    EXPECT_EQ(envelope->request, 42u) << name_of(type);
    EXPECT_EQ(envelope->body.type, type) << name_of(type);
    EXPECT_EQ(encode(42, std::move(envelope->body)), packet) << name_of(type);
  }
}

TEST(Codec, FieldsArriveWhereTheyBelong) {
  const auto envelope = decoded(encode(7, sample_body(wire::Body::Attached)));
  const wire::AttachedT& attached = *envelope->body.AsAttached();
  EXPECT_EQ(attached.stream, 3u);
  EXPECT_EQ(attached.lease, 9u);
  EXPECT_EQ(attached.lease_index, 1u);
  EXPECT_EQ(attached.queue_policy, wire::QueuePolicy::Block);
  ASSERT_NE(attached.generation, nullptr);
  EXPECT_EQ(attached.generation->allocation_size, std::uint64_t{1} << 33);
  EXPECT_EQ(attached.generation->modifier, 0x0300000000606010u);
  ASSERT_EQ(attached.generation->planes.size(), 2u);
  EXPECT_EQ(attached.generation->planes[1].offset(), std::uint64_t{1} << 32);
  EXPECT_EQ(attached.generation->planes[1].row_pitch(), 512u);
  ASSERT_NE(attached.generation->image, nullptr);
  EXPECT_EQ(attached.generation->image->width_px, 1920u);

  const auto attach = decoded(encode(7, sample_body(wire::Body::Attach)));
  const wire::DeviceT& device = *attach->body.AsAttach()->device;
  EXPECT_EQ(device.device_uuid->low(), 0x1122334455667788u);
  EXPECT_EQ(device.transports, (std::vector{wire::Transport::OpaqueFd, wire::Transport::HostMemory}));
  ASSERT_EQ(device.modifiers.size(), 2u);
  EXPECT_EQ(device.modifiers[0].modifier(), 0x0300000000606010u);
  EXPECT_EQ(device.modifiers[1].usage(), 0x1eu);
}

TEST(Codec, EveryMessageFitsAPacket) {
  for (const wire::Body type : all_bodies()) EXPECT_LT(encode(1, sample_body(type)).size(), kMaxMessageBytes);
}

TEST(Codec, CountsTheDescriptorsOfEveryMessage) {
  constexpr std::size_t kGeneration = kSampleSlots + 1;  // the acquire timeline
  const std::map<wire::Body, std::size_t> expected{
      {wire::Body::CreateStream, 1},                 // stream page
      {wire::Body::Attach, 1},                       // lease page
      {wire::Body::StreamCreated, 1 + kGeneration},  // verdict page
      {wire::Body::Attached, 5 + kGeneration},       // verdict page, stream page, two channels, release timeline
      {wire::Body::GenerationStarted, kGeneration},
      {wire::Body::ProducerChanged, 2 + kGeneration},  // stream page, channel
      {wire::Body::LeaseAdded, 4},                     // lease page, two channels, release timeline
      {wire::Body::HandBackGeneration, kGeneration},
      {wire::Body::HandBackLease, 2},   // lease page, release timeline
      {wire::Body::ReclaimStream, 1},   // stream page
      {wire::Body::ReclaimLease, 3},    // lease page, stream page, release timeline
      {wire::Body::StreamRestored, 1},  // verdict page
      {wire::Body::LeaseRestored, 1},   // verdict page
  };
  for (const wire::Body type : all_bodies()) {
    const auto found = expected.find(type);
    Envelope envelope;
    envelope.body = sample_body(type);
    EXPECT_EQ(descriptor_count(envelope), found == expected.end() ? 0 : found->second) << name_of(type);
  }
}

TEST(Codec, CountsNoTimelinesWhereThereAreNone) {
  auto count = [](wire::Body type, auto change) {
    Envelope envelope;
    envelope.body = sample_body(type);
    change(envelope.body);
    return descriptor_count(envelope);
  };
  EXPECT_EQ(count(wire::Body::LeaseAdded, [](auto& b) { b.AsLeaseAdded()->has_release_timeline = false; }), 3u);
  EXPECT_EQ(count(wire::Body::Attached, [](auto& b) { b.AsAttached()->has_release_timeline = false; }),
            5 + kSampleSlots);
  EXPECT_EQ(
      count(wire::Body::GenerationStarted, [](auto& b) { b.AsGenerationStarted()->generation->has_timeline = false; }),
      kSampleSlots);
  EXPECT_EQ(count(wire::Body::StreamCreated, [](auto& b) { b.AsStreamCreated()->generation.reset(); }), 1u);
}

TEST(Codec, CountsNoFenceChannelWhereThereIsNone) {
  auto count = [](wire::Body type, auto change) {
    Envelope envelope;
    envelope.body = sample_body(type);
    change(envelope.body);
    return descriptor_count(envelope);
  };
  EXPECT_EQ(count(wire::Body::LeaseAdded, [](auto& b) { b.AsLeaseAdded()->has_fence_channel = false; }), 3u);
  EXPECT_EQ(count(wire::Body::Attached, [](auto& b) { b.AsAttached()->has_fence_channel = false; }), 5 + kSampleSlots);
  const auto with = [](auto& b) { b.AsProducerChanged()->has_fence_channel = true; };
  EXPECT_EQ(count(wire::Body::ProducerChanged, with), 3 + 1 + kSampleSlots);
  // They say that there is one, and it stays where it is.
  EXPECT_EQ(count(wire::Body::HandBackLease, [](auto& b) { b.AsHandBackLease()->has_fence_channel = false; }), 2u);
}

TEST(Codec, SaysHowTheFramesOfAGenerationCross) {
  wire::GenerationT generation;
  EXPECT_EQ(sync_of(generation), wire::SyncMode::Host) << "as an older broker has it";
  generation.sync_mode = wire::SyncMode::SyncFd;
  EXPECT_EQ(sync_of(generation), wire::SyncMode::SyncFd);
  generation.has_timeline = true;
  EXPECT_EQ(sync_of(generation), wire::SyncMode::Timeline);
  generation.sync_mode = wire::SyncMode::Automatic;
  EXPECT_EQ(sync_of(generation), wire::SyncMode::Timeline);
}

TEST(Codec, ASlotCountFromAPeerDoesNotWrapTheDescriptorCount) {
  Envelope envelope;
  envelope.body = sample_body(wire::Body::GenerationStarted);
  envelope.body.AsGenerationStarted()->generation->slot_count = 0xffff'ffffu;
  EXPECT_EQ(descriptor_count(envelope), std::size_t{0x1'0000'0000});
}

TEST(Codec, ABrokerDecodesRequestsOnly) {
  for (const wire::Body type : all_bodies()) {
    const bool is_request = type == wire::Body::Hello || next_state(SessionState::kReady, type).has_value();
    const auto envelope = decode_request(encode(1, sample_body(type)));
    EXPECT_EQ(envelope.ok(), is_request) << name_of(type);
    if (!envelope) {
      EXPECT_EQ(envelope.error().code, ErrorCode::kProtocolViolation);
    }
  }
}

TEST(Codec, NamesEveryMessage) {
  EXPECT_STREQ(name_of(wire::Body::Attach), "Attach");
  EXPECT_STREQ(name_of(wire::Body::Goodbye), "Goodbye");
  EXPECT_STREQ(name_of(wire::Body{250}), "");
}

}  // namespace
}  // namespace ferry::proto
