// Any bytes as a packet: decoded or refused, and what was decoded can be said again.

#include "proto/codec.h"
#include "proto/limits.h"
#include "proto/session_state.h"
#include "tests/fuzz/require.h"

using namespace ferry;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const std::byte> packet(reinterpret_cast<const std::byte*>(data), size);
  const auto request = proto::decode_request(packet);
  const auto message = proto::decode(packet);
  if (request) {
    FERRY_REQUIRE(message);
    const wire::Body type = (*request)->body.type;
    FERRY_REQUIRE(proto::next_state(proto::SessionState::kGreeting, type) ||
                  proto::next_state(proto::SessionState::kReady, type));
    // Who brings slots says himself how many; the broker compares that with what came.
    const bool brings_slots =
        type == wire::Body::HandBackGeneration || type == wire::Body::CreateStream || type == wire::Body::Reconfigure;
    FERRY_REQUIRE(brings_slots || proto::descriptor_count(**request) <= 3);
  }
  if (!message) {
    FERRY_REQUIRE(message.error().code == proto::ErrorCode::kProtocolViolation);
    return 0;
  }
  const std::size_t descriptors = proto::descriptor_count(**message);
  const std::uint64_t number = (*message)->request;
  const wire::Body type = (*message)->body.type;
  // FlatBuffers shares what is equal: said again, a small packet may become a great one, which nobody may send.
  const auto again = proto::encode(number, std::move((*message)->body));
  if (again.size() > proto::kMaxMessageBytes) return 0;
  const auto same = proto::decode(again);
  if (!same) return 0;  // more tables than a packet may have
  FERRY_REQUIRE((*same)->request == number && (*same)->body.type == type);
  FERRY_REQUIRE(proto::descriptor_count(**same) == descriptors);
  return 0;
}
