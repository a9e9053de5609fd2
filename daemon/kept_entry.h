#pragma once
// One entry of what is kept for the next broker: its name in the service manager's store, and its bytes (proto/kept.fbs).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kept_generated.h"
#include "proto/ids.h"
#include "proto/result.h"

namespace ferry::daemon {

struct KeptName {
  enum class Kind : std::uint8_t { kStream, kGeneration, kLease } kind;
  proto::StreamId stream{};
  std::uint64_t part = 0;  ///< kStream: its producers so far, the highest counts; else the generation's or lease's id
};
std::string to_string(const KeptName& name);  ///< "ferry-lease-7.9"
/// Some broker's, even if this one cannot read it.
inline bool is_kept_name(std::string_view text) { return text.starts_with("ferry-"); }
std::optional<KeptName> parse_kept_name(std::string_view text);

std::vector<std::byte> encode_kept(kept::BodyUnion body);
template <class Table>
std::vector<std::byte> encode_kept(Table table) {
  kept::BodyUnion body;
  body.Set(std::move(table));
  return encode_kept(std::move(body));
}

/// kProtocolViolation when @p bytes are not a whole entry of a known kind, or @p fds is not the number that belongs to it.
proto::Result<std::unique_ptr<kept::EntryT>> decode_kept(std::span<const std::byte> bytes, std::size_t fds);

}  // namespace ferry::daemon
