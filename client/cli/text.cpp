#include "client/cli/text.h"

#include <fmt/format.h>
#include <wchar.h>

#include <array>

namespace ferry::cli {
namespace {

struct CodePoint {
  char32_t value;
  std::size_t length;  ///< bytes; 0: not well-formed here
};

CodePoint decode_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {0, 0};
  char32_t value = lead & (0x7Fu >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    value = (value << 6) | (byte(i) & 0x3Fu);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < kSmallest[length] || value > 0x10FFFF || surrogate) return {0, 0};
  return {value, length};
}

bool disturbs_a_terminal(char32_t c) {
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool line_break = c == 0x2028 || c == 0x2029;
  const bool turns_direction =
      c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || line_break || turns_direction;
}

/// Calls visit(bytes of one character, its columns) until it returns false.
template <class Visit>
void for_each_character(std::string_view text, Visit visit) {
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    const std::size_t length = c.length ? c.length : 1;
    const int columns = wcwidth(static_cast<wchar_t>(c.value));
    if (!visit(text.substr(0, length), columns < 0 ? std::size_t{1} : static_cast<std::size_t>(columns))) return;
    text.remove_prefix(length);
  }
}

std::string spaces_for(std::string_view text, std::size_t width) {
  const std::size_t used = display_width(text);
  return std::string(used < width ? width - used : 0, ' ');
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint c = decode_utf8(text);
    const std::size_t length = c.length ? c.length : 1;
    if (c.length != 0 && !disturbs_a_terminal(c.value)) {
      out += text.substr(0, length);
    } else {
      for (const char byte : text.substr(0, length)) out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for_each_character(text, [&](std::string_view, std::size_t columns) {
    width += columns;
    return true;
  });
  return width;
}

std::string pad_right(std::string_view text, std::size_t width) { return std::string(text) + spaces_for(text, width); }

std::string pad_left(std::string_view text, std::size_t width) { return spaces_for(text, width) + std::string(text); }

std::string truncate(std::string_view text, std::size_t width) {
  if (display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::string out;
  std::size_t used = 0;
  for_each_character(text, [&](std::string_view character, std::size_t columns) {
    if (used + columns > width - 1) return false;
    out += character;
    used += columns;
    return true;
  });
  return out + "…";
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(word.size() < text.size() ? word.size() + 1 : text.size());
    if (word.empty()) continue;
    if (!lines.empty() && display_width(lines.back()) + 1 + display_width(word) <= width) {
      lines.back().append(" ").append(word);
    } else {
      lines.emplace_back(word);
    }
  }
  return lines;
}

std::string_view without_subject(std::string_view reason, std::string_view subject) {
  const bool said = reason.starts_with(subject) && reason.substr(subject.size()).starts_with(": ");
  return said ? reason.substr(subject.size() + 2) : reason;
}

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.95 would print as 1024.0.
  while (value >= 1023.95 && unit + 1 < kUnits.size()) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.1f} {}", value, kUnits[unit]);
}

std::string human_duration(std::uint64_t time_ns) {
  const double us = static_cast<double>(time_ns) / 1e3;
  if (us < 9.95) return fmt::format("{:.1f} us", us);
  if (us < 999.5) return fmt::format("{:.0f} us", us);
  if (us < 9.95e3) return fmt::format("{:.1f} ms", us / 1e3);
  if (us < 999.5e3) return fmt::format("{:.0f} ms", us / 1e3);
  if (us < 59.95e6) return fmt::format("{:.1f} s", us / 1e6);
  const std::uint64_t s = time_ns / 1'000'000'000;
  if (s < 3600) return fmt::format("{}m {:02}s", s / 60, s % 60);
  if (s < 86400) return fmt::format("{}h {:02}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d {:02}h", s / 86400, s / 3600 % 24);
}

std::string human_rate(double rate_hz) { return fmt::format("{:.1f} Hz", rate_hz); }

std::string counted(std::uint64_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace ferry::cli
