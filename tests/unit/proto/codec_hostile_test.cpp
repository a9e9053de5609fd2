// What arrives from a peer that wants to do harm. Nothing here may crash, whatever sanitizer watches.

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "message_samples.h"
#include "proto/codec.h"
#include "proto/limits.h"

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

/// 3,000 devices that are all the same one, with a name of 40,000 bytes: 120 MB once unpacked.
Packet bomb() {
  flatbuffers::FlatBufferBuilder builder;
  const auto name = builder.CreateString(std::string(40'000, 'x'));
  wire::DeviceBuilder device_builder(builder);
  device_builder.add_name(name);
  const std::vector<flatbuffers::Offset<wire::Device>> devices(3000, device_builder.Finish());
  const auto reply = wire::CreateHelloReplyDirect(builder, 1, 1, 1, nullptr, 0, 0, &devices);
  wire::FinishEnvelopeBuffer(builder, wire::CreateEnvelope(builder, 1, wire::Body::HelloReply, reply.Union()));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

TEST(CodecHostile, ABrokerDoesNotUnpackABomb) {
  const Packet packet = bomb();
  ASSERT_LT(packet.size(), kMaxMessageBytes);
  const auto refused = decode_request(packet);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "HelloReply is not for clients to send");
}

}  // namespace
}  // namespace ferry::proto
