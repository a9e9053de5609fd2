#include "proto/codec.h"

#include <fmt/format.h>

#include "proto/alignment.h"
#include "proto/limits.h"
#include "proto/session_state.h"
#include "proto/unpacked_size.h"

namespace ferry::proto {
namespace {

// A table needs a few bytes at least, so this many fit a packet; depth is what the schema nests, and slack.
constexpr flatbuffers::uoffset_t kMaxTables = 4096;
constexpr flatbuffers::uoffset_t kMaxDepth = 16;

std::size_t count_of(const std::unique_ptr<wire::GenerationT>& generation) {
  return generation ? std::size_t{generation->slot_count} + (generation->has_timeline ? 1 : 0) : 0;
}

std::size_t count_of(const std::unique_ptr<wire::OwnSlotsT>& own) { return own ? own->slot_count : 0; }

Error violation(std::string why) { return {ErrorCode::kProtocolViolation, std::move(why)}; }

/// The envelope inside @p packet, every offset of it checked: safe to unpack.
Result<const wire::Envelope*> verify(std::span<const std::byte> packet) {
  if (packet.size() > kMaxMessageBytes)
    return violation(fmt::format("message of {} bytes exceeds the limit {}", packet.size(), kMaxMessageBytes));
  if (packet.size() < 12) return violation(fmt::format("message of {} bytes is too short to be one", packet.size()));
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(packet.data());
  flatbuffers::Verifier verifier(bytes, packet.size(), kMaxDepth, kMaxTables);
  if (!wire::VerifyEnvelopeBuffer(verifier))
    return violation(fmt::format("message of {} bytes is not a well-formed Envelope", packet.size()));
  const auto* envelope = wire::GetEnvelope(bytes);
  if (envelope->body_type() == wire::Body::NONE || envelope->body_type() > wire::Body::MAX)
    return violation(fmt::format("message type {} is not known", static_cast<int>(envelope->body_type())));
  if (envelope->body() == nullptr) return violation(fmt::format("{} has no body", name_of(envelope->body_type())));
  if (!lists_are_aligned(*envelope))
    return violation(fmt::format("a list in {} does not lie where its numbers can be read", name_of(envelope->body_type())));
  // Who says nothing twice never gets there; who does may, as far as others who say it once.
  if (!unpacks_within(*envelope, kMaxMessageBytes))
    return violation(fmt::format("{} of {} bytes unpacks to more than the limit {}", name_of(envelope->body_type()),
                                 packet.size(), kMaxMessageBytes));
  return envelope;
}

}  // namespace

std::vector<std::byte> encode(std::uint64_t request, wire::BodyUnion body) {
  Envelope envelope;
  envelope.request = request;
  envelope.body = std::move(body);
  flatbuffers::FlatBufferBuilder builder(1024);
  wire::FinishEnvelopeBuffer(builder, wire::Envelope::Pack(builder, &envelope));
  const auto* bytes = reinterpret_cast<const std::byte*>(builder.GetBufferPointer());
  return {bytes, bytes + builder.GetSize()};
}

Result<std::unique_ptr<Envelope>> decode(std::span<const std::byte> packet) {
  const auto envelope = verify(packet);
  if (!envelope) return envelope.error();
  return std::unique_ptr<Envelope>((*envelope)->UnPack());
}

Result<std::unique_ptr<Envelope>> decode_request(std::span<const std::byte> packet) {
  const auto envelope = verify(packet);
  if (!envelope) return envelope.error();
  const wire::Body type = (*envelope)->body_type();
  if (!next_state(SessionState::kGreeting, type) && !next_state(SessionState::kReady, type))
    return violation(fmt::format("{} is not for clients to send", name_of(type)));
  return std::unique_ptr<Envelope>((*envelope)->UnPack());
}

std::size_t descriptor_count(const Envelope& envelope) {
  const auto& body = envelope.body;
  switch (body.type) {
    case wire::Body::CreateStream: return 1 + count_of(body.AsCreateStream()->own);
    case wire::Body::Reconfigure: return count_of(body.AsReconfigure()->own);
    case wire::Body::Attach: return 1;
    case wire::Body::StreamCreated: return 1 + count_of(body.AsStreamCreated()->generation);
    case wire::Body::Attached:
      return 3 + (body.AsAttached()->has_fence_channel ? 1u : 0u) + (body.AsAttached()->has_release_timeline ? 1u : 0u) +
             count_of(body.AsAttached()->generation);
    case wire::Body::GenerationStarted: return count_of(body.AsGenerationStarted()->generation);
    case wire::Body::ProducerChanged:
      return 2 + (body.AsProducerChanged()->has_fence_channel ? 1u : 0u) + count_of(body.AsProducerChanged()->generation);
    case wire::Body::LeaseAdded:
      return 2 + (body.AsLeaseAdded()->has_fence_channel ? 1u : 0u) + (body.AsLeaseAdded()->has_release_timeline ? 1u : 0u);
    case wire::Body::HandBackGeneration: return count_of(body.AsHandBackGeneration()->generation);
    case wire::Body::HandBackLease: return 1 + (body.AsHandBackLease()->has_release_timeline ? 1u : 0u);
    case wire::Body::ReclaimLease: return 2 + (body.AsReclaimLease()->has_release_timeline ? 1u : 0u);
    case wire::Body::ReclaimStream:
    case wire::Body::StreamRestored:
    case wire::Body::LeaseRestored: return 1;
    default: return 0;
  }
}

const char* name_of(wire::Body type) { return wire::EnumNameBody(type); }

}  // namespace ferry::proto
