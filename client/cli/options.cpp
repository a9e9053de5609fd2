#include "client/cli/options.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

#include "client/cli/pixels.h"

namespace ferry::cli {
namespace {

std::optional<std::uint32_t> parse_side(std::string_view text) {
  const auto side = parse_count(text);
  return side && *side <= kMaxSidePx ? std::optional(static_cast<std::uint32_t>(*side)) : std::nullopt;
}

std::optional<double> parse_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
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

std::optional<ferry_sync_mode> parse_sync_mode(std::string_view text) {
  if (text == "auto") return FERRY_SYNC_AUTOMATIC;
  if (text == "timeline") return FERRY_SYNC_TIMELINE;
  if (text == "sync-fd") return FERRY_SYNC_FD;
  if (text == "host") return FERRY_SYNC_HOST;
  return std::nullopt;
}

const char* sync_mode_name(std::uint32_t mode) {
  switch (mode) {
    case FERRY_SYNC_TIMELINE: return "timeline";
    case FERRY_SYNC_HOST: return "host";
    case FERRY_SYNC_FD: return "sync-fd";
    default: return "automatic";
  }
}

std::optional<ferry_transport> parse_transport(std::string_view text) {
  if (text == "auto") return FERRY_TRANSPORT_AUTOMATIC;
  if (text == "opaque-fd") return FERRY_TRANSPORT_OPAQUE_FD;
  if (text == "dma-buf") return FERRY_TRANSPORT_DMA_BUF;
  if (text == "host-memory") return FERRY_TRANSPORT_HOST_MEMORY;
  return std::nullopt;
}

std::optional<ferry_queue_policy> parse_queue_policy(std::string_view text) {
  if (text == "drop") return FERRY_QUEUE_DROP;
  if (text == "block") return FERRY_QUEUE_BLOCK;
  return std::nullopt;
}

std::optional<double> parse_watch_period(const std::string& text) {
  if (text.empty()) return 1.0;
  const auto period_s = parse_timeout(text);
  return period_s && *period_s >= 0.05 ? period_s : std::nullopt;
}

std::optional<double> parse_timeout(const std::string& text) {
  constexpr double kDayS = 86400;
  const auto time_s = parse_number(text);
  return time_s && *time_s >= 0 && *time_s <= kDayS ? time_s : std::nullopt;
}

std::optional<std::uint64_t> parse_count(std::string_view text) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped_at, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stopped_at == end && value > 0 ? std::optional(value) : std::nullopt;
}

std::optional<double> parse_rate(const std::string& text) {
  if (text == "max") return 0.0;
  const auto rate_hz = parse_number(text);
  return rate_hz && *rate_hz > 0 && *rate_hz <= kMaxRateHz ? rate_hz : std::nullopt;
}

}  // namespace ferry::cli
