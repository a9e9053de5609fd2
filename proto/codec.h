#pragma once
// Bytes <-> messages. Decoding trusts nothing: size, FlatBuffers' verifier, a body that this version knows, and no more
// of it unpacked than a packet can hold (proto/unpacked_size.h).

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "ferry_generated.h"
#include "proto/result.h"

namespace ferry::proto {

using Envelope = wire::EnvelopeT;

/// The packet for @p body as the message @p request. Bodies are FlatBuffers' object API types (wire::AttachT ...).
std::vector<std::byte> encode(std::uint64_t request, wire::BodyUnion body);

/// Convenience: encode(7, wire::DoneT{}).
template <class Table>
std::vector<std::byte> encode(std::uint64_t request, Table table) {
  wire::BodyUnion body;
  body.Set(std::move(table));
  return encode(request, std::move(body));
}

/// kProtocolViolation when @p packet is not a well-formed Envelope with a known body.
Result<std::unique_ptr<Envelope>> decode(std::span<const std::byte> packet);

/// The same for a broker: a body that clients never send is refused before it is unpacked.
Result<std::unique_ptr<Envelope>> decode_request(std::span<const std::byte> packet);

/// How many descriptors must ride beside @p envelope: the comments of ferry.fbs as code.
std::size_t descriptor_count(const Envelope& envelope);

/// Name of a message type for logs: "Attach".
const char* name_of(wire::Body type);

}  // namespace ferry::proto
