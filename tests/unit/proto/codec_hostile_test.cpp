// What arrives from a peer that wants to do harm. Nothing here may crash, whatever sanitizer watches.

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "message_samples.h"
#include "proto/codec.h"
#include "proto/limits.h"
#include "proto/unpacked_size.h"

namespace ferry::proto {
namespace {

using testing::all_bodies;
using testing::sample_body;

using Packet = std::vector<std::byte>;

/// Whatever comes out must be usable: counted, and packed again.
void decode_and_use(const Packet& packet) {
  auto envelope = decode(packet);
  if (!envelope) {
    ASSERT_EQ(envelope.error().code, ErrorCode::kProtocolViolation);
    return;
  }
  ASSERT_NE((*envelope)->body.type, wire::Body::NONE);
  ASSERT_NE((*envelope)->body.value, nullptr);
  (void)descriptor_count(**envelope);
  ASSERT_FALSE(encode(1, std::move((*envelope)->body)).empty());
}

TEST(CodecHostile, EveryTruncationIsRefused) {
  for (const wire::Body type : all_bodies()) {
    const Packet whole = encode(1, sample_body(type));
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Packet cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      ASSERT_NO_FATAL_FAILURE(decode_and_use(cut)) << name_of(type) << " cut to " << size;
    }
  }
}

TEST(CodecHostile, FlippedBitsDoNotCrash) {
  std::mt19937_64 random(20240117);
  for (const wire::Body type : all_bodies()) {
    const Packet whole = encode(1, sample_body(type));
    for (int round = 0; round < 2000; ++round) {
      Packet flipped = whole;
      for (std::uint64_t flips = 1 + random() % 4; flips > 0; --flips)
        flipped[random() % flipped.size()] ^= std::byte{1} << static_cast<int>(random() % 8);
      ASSERT_NO_FATAL_FAILURE(decode_and_use(flipped)) << name_of(type) << ", round " << round;
    }
  }
}

TEST(CodecHostile, OverwrittenWordsDoNotCrash) {
  std::mt19937_64 random(7);
  const std::uint32_t nasty[] = {0, 1, 4, 0x7fff'ffff, 0x8000'0000, 0xffff'ffff, 0xffff'fffc};
  for (const wire::Body type : all_bodies()) {
    const Packet whole = encode(1, sample_body(type));
    for (int round = 0; round < 2000; ++round) {
      Packet changed = whole;
      const std::size_t at = random() % (changed.size() / 4) * 4;
      std::memcpy(changed.data() + at, &nasty[random() % std::size(nasty)], 4);
      ASSERT_NO_FATAL_FAILURE(decode_and_use(changed)) << name_of(type) << ", round " << round;
    }
  }
}

TEST(CodecHostile, GarbageIsRefused) {
  std::mt19937_64 random(99);
  for (int round = 0; round < 20'000; ++round) {
    Packet garbage(random() % 512);
    for (auto& byte : garbage) byte = static_cast<std::byte>(random());
    if (garbage.size() >= 8 && round % 2 == 0) std::memcpy(garbage.data() + 4, "FRY1", 4);
    ASSERT_NO_FATAL_FAILURE(decode_and_use(garbage)) << "round " << round;
  }
}

/// Builds a packet by hand whose one list of 64-bit numbers begins four bytes too early or too late.
TEST(CodecHostile, AListOfNumbersThatDoesNotLieOnTheirBoundaryIsRefused) {
  wire::ReportStarvedT starved;
  starved.stream = 0x1111;
  starved.leases = {0x2222222222222222, 0x3333333333333333};
  const Packet whole = encode(1, [&] {
    wire::BodyUnion body;
    body.Set(wire::ReportStarvedT(starved));
    return body;
  }());
  ASSERT_TRUE(decode(whole));
  const auto* message = wire::GetEnvelope(whole.data());
  const auto* leases = message->body_as_ReportStarved()->leases();
  const std::byte* list = reinterpret_cast<const std::byte*>(leases);
  // A copy of the list at the packet's end, where one of two places four bytes apart is wrong.
  bool refused = false, taken = false;
  for (const std::size_t shift : {0u, 4u}) {
    Packet moved = whole;
    moved.resize((moved.size() + 7) / 8 * 8 + shift);
    const std::size_t at = moved.size();
    moved.insert(moved.end(), list, list + sizeof(flatbuffers::uoffset_t) + 2 * sizeof(std::uint64_t));
    moved.resize((moved.size() + 7) / 8 * 8 + 8);
    const auto* table = reinterpret_cast<const flatbuffers::Table*>(message->body());
    const auto field = static_cast<std::size_t>(table->GetAddressOf(wire::ReportStarved::VT_LEASES) -
                                                reinterpret_cast<const std::uint8_t*>(whole.data()));
    const auto offset = static_cast<flatbuffers::uoffset_t>(at - field);
    std::memcpy(moved.data() + field, &offset, sizeof offset);
    const auto envelope = decode(moved);
    if (envelope) {
      taken = true;
      EXPECT_EQ((*envelope)->body.AsReportStarved()->leases, starved.leases);
    } else {
      refused = true;
      EXPECT_EQ(envelope.error().code, ErrorCode::kProtocolViolation);
      EXPECT_NE(envelope.error().message.find("ReportStarved"), std::string::npos) << envelope.error().message;
    }
  }
  EXPECT_TRUE(taken) << "the packet was not built well: the test proves nothing";
  EXPECT_TRUE(refused);
}

TEST(CodecHostile, SizesOutsideTheLimitsAreRefusedWithValueAndLimit) {
  const auto longer = decode(Packet(kMaxMessageBytes + 1));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().message, "message of 65537 bytes exceeds the limit 65536");
  const auto empty = decode(Packet{});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().message, "message of 0 bytes is too short to be one");
}

TEST(CodecHostile, AnEnvelopeWithoutABodyIsRefused) {
  flatbuffers::FlatBufferBuilder builder;
  wire::FinishEnvelopeBuffer(builder, wire::CreateEnvelope(builder, 5));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  const auto envelope = decode({bytes, builder.GetSize()});
  ASSERT_FALSE(envelope);
  EXPECT_EQ(envelope.error().message, "message type 0 is not known");
}

Packet finished(flatbuffers::FlatBufferBuilder& builder, std::uint64_t request, wire::Body type, flatbuffers::Offset<void> body) {
  wire::FinishEnvelopeBuffer(builder, wire::CreateEnvelope(builder, request, type, body));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

/// A device that lacks @p count transports, all for the same reason of @p reason_bytes, which is there once.
flatbuffers::Offset<wire::Device> device_of_many_lacks(flatbuffers::FlatBufferBuilder& builder, std::size_t count,
                                                       std::size_t reason_bytes) {
  const auto lack =
      wire::CreateTransportLack(builder, wire::Transport::DmaBuf, builder.CreateString(std::string(reason_bytes, 'x')));
  const auto lacks = builder.CreateVector(std::vector<flatbuffers::Offset<wire::TransportLack>>(count, lack));
  wire::DeviceBuilder device(builder);
  device.add_lacks(lacks);
  return device.Finish();
}

/// 190 MB once unpacked, if it were.
Packet attach_bomb(std::size_t count = 4000, std::size_t reason_bytes = 47'000) {
  flatbuffers::FlatBufferBuilder builder;
  const auto device = device_of_many_lacks(builder, count, reason_bytes);
  const auto name = builder.CreateString("cam");
  return finished(builder, 1, wire::Body::Attach,
                  wire::CreateAttach(builder, name, device, wire::ConsumerMode::Latest, 1, 0, true).Union());
}

/// 3,000 devices that are all the same one, with a name of 40,000 bytes: 120 MB.
Packet hello_reply_bomb() {
  flatbuffers::FlatBufferBuilder builder;
  const auto name = builder.CreateString(std::string(40'000, 'x'));
  wire::DeviceBuilder device_builder(builder);
  device_builder.add_name(name);
  const std::vector<flatbuffers::Offset<wire::Device>> devices(3000, device_builder.Finish());
  const auto reply = wire::CreateHelloReplyDirect(builder, 1, 1, 1, nullptr, 0, 0, &devices);
  return finished(builder, 1, wire::Body::HelloReply, reply.Union());
}

/// A list of texts that are all the same one.
Packet refused_bomb() {
  flatbuffers::FlatBufferBuilder builder;
  const auto text = builder.CreateString(std::string(1000, 'x'));
  const auto texts = builder.CreateVector(std::vector<flatbuffers::Offset<flatbuffers::String>>(15'000, text));
  wire::ConflictBuilder conflict_builder(builder);
  conflict_builder.add_party_has(texts);
  const auto conflict = conflict_builder.Finish();
  wire::RefusedBuilder refused(builder);
  refused.add_conflict(conflict);
  return finished(builder, 1, wire::Body::Refused, refused.Finish().Union());
}

/// 1,900 streams, all with the one generation of 2,000 planes.
Packet status_bomb() {
  flatbuffers::FlatBufferBuilder builder;
  const auto generation = [&] {
    const auto planes = builder.CreateVectorOfStructs(std::vector<wire::Plane>(2000));
    wire::GenerationBuilder made(builder);
    made.add_planes(planes);
    return made.Finish();
  }();
  wire::StreamStatusBuilder stream_builder(builder);
  stream_builder.add_generation(generation);
  const std::vector<flatbuffers::Offset<wire::StreamStatus>> streams(1900, stream_builder.Finish());
  const auto list = builder.CreateVector(streams);
  wire::StatusReplyBuilder reply(builder);
  reply.add_streams(list);
  return finished(builder, 1, wire::Body::StatusReply, reply.Finish().Union());
}

TEST(CodecHostile, ABombIsNotUnpacked) {
  const std::pair<const char*, Packet> bombs[] = {{"Attach", attach_bomb()},
                                                  {"HelloReply", hello_reply_bomb()},
                                                  {"Refused", refused_bomb()},
                                                  {"StatusReply", status_bomb()}};
  for (const auto& [name, packet] : bombs) {
    ASSERT_LT(packet.size(), kMaxMessageBytes) << name;
    const auto refused = decode(packet);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.error().code, ErrorCode::kProtocolViolation);
    EXPECT_EQ(refused.error().message,
              std::string(name) + " of " + std::to_string(packet.size()) + " bytes unpacks to more than the limit 65536");
  }
  const auto request = decode_request(attach_bomb());
  ASSERT_FALSE(request);
  EXPECT_NE(request.error().message.find("unpacks to more than the limit 65536"), std::string::npos);
}

TEST(CodecHostile, WhatIsSaidTwiceMayBeAsLongAsWhatIsSaidOnce) {
  const auto twice = decode(attach_bomb(10, 6'000));
  ASSERT_TRUE(twice) << twice.error().message;
  const auto& lacks = (*twice)->body.AsAttach()->device->lacks;
  ASSERT_EQ(lacks.size(), 10u);
  EXPECT_EQ(lacks[9]->reason, std::string(6'000, 'x'));
  EXPECT_FALSE(decode(attach_bomb(11, 6'000)));
}

TEST(CodecHostile, AnHonestMessageIsNeverMoreThanItsBytes) {
  for (const wire::Body type : all_bodies()) {
    const Packet packet = encode(1, sample_body(type));
    const wire::Envelope& envelope = *wire::GetEnvelope(packet.data());
    EXPECT_TRUE(unpacks_within(envelope, packet.size())) << name_of(type);
    EXPECT_FALSE(unpacks_within(envelope, 8)) << name_of(type);
  }
  // And so the longest one, too.
  wire::AttachT attach;
  attach.device = std::make_unique<wire::DeviceT>();
  attach.device->modifiers.resize(2000);
  for (int i = 0; i < 100; ++i) {
    attach.device->lacks.push_back(std::make_unique<wire::TransportLackT>());
    attach.device->lacks.back()->reason = std::string(310, static_cast<char>('a' + i % 26));
  }
  const Packet packet = encode(1, std::move(attach));
  ASSERT_GT(packet.size(), kMaxMessageBytes - 1000);
  ASSERT_LE(packet.size(), kMaxMessageBytes);
  EXPECT_TRUE(decode(packet));
}

TEST(CodecHostile, OfEveryMessageEverythingIsCounted) {
  for (const wire::Body type : all_bodies()) {
    const Packet packet = encode(1, sample_body(type));
    std::size_t counted = 8;
    while (!unpacks_within(*wire::GetEnvelope(packet.data()), counted)) ++counted;
    // All but the vtables, and what the builder puts in between.
    EXPECT_GE(counted * 2 + 64, packet.size()) << name_of(type);
  }
}

TEST(CodecHostile, WhatOnlyABrokerSaysIsNotForClientsToSend) {
  const auto refused = decode_request(encode(1, wire::HelloReplyT{}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "HelloReply is not for clients to send");
}

}  // namespace
}  // namespace ferry::proto
