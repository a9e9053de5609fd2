#include "proto/names.h"

#include <fmt/format.h>

#include <cstdint>

#include "proto/limits.h"

namespace ferry::proto {
namespace {

std::uint8_t byte_at(std::string_view text, std::size_t i) { return static_cast<std::uint8_t>(text[i]); }
bool is_between(std::uint8_t b, std::uint8_t low, std::uint8_t high) { return b >= low && b <= high; }

bool is_control(std::string_view sequence) {
  const std::uint8_t first = byte_at(sequence, 0);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  return sequence.size() == 2 && first == 0xc2 && byte_at(sequence, 1) < 0xa0;
}

}  // namespace

std::size_t utf8_sequence_length(std::string_view text) {
  if (text.empty()) return 0;
  const std::uint8_t b0 = byte_at(text, 0);
  if (b0 < 0x80) return 1;
  std::size_t length = 0;
  std::uint8_t low = 0x80, high = 0xbf;  // what the second byte may be
  if (is_between(b0, 0xc2, 0xdf)) length = 2;
  else if (is_between(b0, 0xe0, 0xef)) length = 3;
  else if (is_between(b0, 0xf0, 0xf4)) length = 4;
  else return 0;
  if (b0 == 0xe0) low = 0xa0;
  if (b0 == 0xed) high = 0x9f;
  if (b0 == 0xf0) low = 0x90;
  if (b0 == 0xf4) high = 0x8f;
  if (text.size() < length || !is_between(byte_at(text, 1), low, high)) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if (!is_between(byte_at(text, i), 0x80, 0xbf)) return 0;
  return length;
}

Result<void> check_stream_name(std::string_view name) {
  auto fail = [&](std::string why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("stream name '{}' {}", printable(name, 48), why)};
  };
  if (name.empty()) return Error{ErrorCode::kInvalidArgument, "stream name is empty; the limit is 1 to 128 bytes"};
  if (name.size() > kMaxNameBytes) return fail(fmt::format("has {} bytes; the limit is {}", name.size(), kMaxNameBytes));
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t length = utf8_sequence_length(name.substr(i));
    if (length == 0) return fail(fmt::format("is not UTF-8: byte 0x{:02x} at offset {}", byte_at(name, i), i));
    if (is_control(name.substr(i, length)))
      return fail(fmt::format("contains a control character at offset {}", i));
    i += length;
  }
  return {};
}

std::string printable(std::string_view text, std::size_t max_bytes) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (i >= max_bytes) {
      out += "...";
      break;
    }
    const std::size_t length = utf8_sequence_length(text.substr(i));
    if (length == 0 || is_control(text.substr(i, length))) {
      const std::size_t raw_bytes = length == 0 ? 1 : length;
      for (std::size_t k = 0; k < raw_bytes; ++k) out += fmt::format("\\x{:02x}", byte_at(text, i + k));
      i += raw_bytes;
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace ferry::proto
