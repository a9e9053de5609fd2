#include "proto/alignment.h"

#include <cstdint>

namespace ferry::proto {
namespace {

constexpr std::uintptr_t kWord = alignof(std::uint64_t);  // of everything in the schema that is longer than four bytes

template <class Element>
bool is_aligned(const flatbuffers::Vector<Element>* list) {
  return list == nullptr || list->size() == 0 || reinterpret_cast<std::uintptr_t>(list->Data()) % kWord == 0;
}

bool is_aligned(const wire::Device* device) { return device == nullptr || is_aligned(device->modifiers()); }
bool is_aligned(const wire::Generation* generation) { return generation == nullptr || is_aligned(generation->planes()); }
bool is_aligned(const wire::StreamStatus* stream) { return stream == nullptr || is_aligned(stream->generation()); }
bool is_aligned(const wire::BrokerStatus* broker);

template <class Table>
bool are_aligned(const flatbuffers::Vector<flatbuffers::Offset<Table>>* tables) {
  if (tables == nullptr) return true;
  for (const Table* table : *tables)
    if (!is_aligned(table)) return false;
  return true;
}

bool is_aligned(const wire::BrokerStatus* broker) { return broker == nullptr || are_aligned(broker->devices()); }

}  // namespace

bool lists_are_aligned(const wire::Envelope& envelope) {
  switch (envelope.body_type()) {
    case wire::Body::ReportStarved:
      return is_aligned(envelope.body_as_ReportStarved()->leases());
    case wire::Body::CreateStream:
      return is_aligned(envelope.body_as_CreateStream()->device());
    case wire::Body::Attach:
      return is_aligned(envelope.body_as_Attach()->device());
    case wire::Body::ReclaimStream:
      return is_aligned(envelope.body_as_ReclaimStream()->device());
    case wire::Body::ReclaimLease:
      return is_aligned(envelope.body_as_ReclaimLease()->device());
    case wire::Body::HelloReply:
      return are_aligned(envelope.body_as_HelloReply()->devices());
    case wire::Body::HandBackGeneration:
      return is_aligned(envelope.body_as_HandBackGeneration()->generation());
    case wire::Body::StreamCreated:
      return is_aligned(envelope.body_as_StreamCreated()->generation());
    case wire::Body::Attached:
      return is_aligned(envelope.body_as_Attached()->generation());
    case wire::Body::GenerationStarted:
      return is_aligned(envelope.body_as_GenerationStarted()->generation());
    case wire::Body::ProducerChanged:
      return is_aligned(envelope.body_as_ProducerChanged()->generation());
    case wire::Body::StatusReply:
      return is_aligned(envelope.body_as_StatusReply()->broker()) && are_aligned(envelope.body_as_StatusReply()->streams());
    default:
      return true;
  }
}

bool lists_are_aligned(const wire::Device* device) { return is_aligned(device); }

bool lists_are_aligned(const wire::Generation* generation) { return is_aligned(generation); }

}  // namespace ferry::proto
