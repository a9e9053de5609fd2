#pragma once
// Ids that cross a process boundary. Each is a type of its own; none is ever used again within a broker's life.

#include <cstdint>
#include <type_traits>

namespace ferry::proto {

enum class SessionId : std::uint64_t {};     ///< one connection of one process; chosen by the broker
enum class StreamId : std::uint64_t {};      ///< one named stream; survives its producer
enum class LeaseId : std::uint64_t {};       ///< one consumer's standing with one stream; never 0
enum class GenerationId : std::uint32_t {};  ///< one set of slots of a stream; starts at 1, only grows

template <class Id>
constexpr auto raw(Id id) {
  return static_cast<std::underlying_type_t<Id>>(id);
}

}  // namespace ferry::proto
