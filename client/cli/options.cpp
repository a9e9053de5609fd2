#include "client/cli/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include "client/cli/pixels.h"

namespace ferry::cli {
namespace {

std::optional<std::uint32_t> parse_side(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 1 || value > kMaxSidePx) return std::nullopt;
  return value;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

std::optional<Size> parse_size(std::string_view text) {
  const std::size_t cross = text.find_first_of("xX");
  if (cross == std::string_view::npos) return std::nullopt;
  const auto width = parse_side(text.substr(0, cross)), height = parse_side(text.substr(cross + 1));
  if (!width || !height) return std::nullopt;
  return Size{*width, *height};
}

std::optional<ferry_format> parse_format(std::string_view text) {
  for (int value = FERRY_FORMAT_RGBA8_UNORM; value <= FERRY_FORMAT_RGBA16_FLOAT; ++value) {
    const auto format = static_cast<ferry_format>(value);
    if (equal_ignoring_case(text, format_name(format))) return format;
  }
  return std::nullopt;
}

std::optional<double> parse_rate(const std::string& text) {
  if (text == "max") return 0.0;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !(value > 0) || value > kMaxRateHz) return std::nullopt;
  return value;
}

}  // namespace ferry::cli
