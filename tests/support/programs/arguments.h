#pragma once
// What both helper programs read from their command lines.

#include <charconv>
#include <map>
#include <stdexcept>
#include <string>

#include "ferry/ferry.h"
#include "proto/format.h"
#include "tests/support/pattern.h"
#include "tests/support/picture_writer.h"

namespace ferry::test {

inline const std::map<std::string, Engine> kEngines{{"cpu", Engine::kCpu}, {"gpu", Engine::kGpu}};

inline const char* sync_mode_name(std::uint32_t mode) {
  switch (mode) {
    case FERRY_SYNC_TIMELINE: return "timeline";
    case FERRY_SYNC_HOST: return "host";
    case FERRY_SYNC_FD: return "sync-fd";
    default: return "unknown";
  }
}

/// "640x360" or "640x360:RGBA8_SRGB"; without a format it stays @p before's.
inline ImageShape parse_shape(const std::string& text, const ImageShape& before) {
  ImageShape shape = before;
  const auto read = [](const std::string& digits, std::uint32_t& out) {
    const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    return result.ec == std::errc() && result.ptr == digits.data() + digits.size();
  };
  const auto colon = text.find(':');
  const std::string size = text.substr(0, colon);
  const auto x = size.find('x');
  if (x == std::string::npos || !read(size.substr(0, x), shape.width_px) || !read(size.substr(x + 1), shape.height_px))
    throw std::invalid_argument("no size: " + text);
  if (colon == std::string::npos) return shape;
  for (const auto& info : proto::kFormats) {
    if (info.name != text.substr(colon + 1)) continue;
    shape.format = static_cast<std::uint32_t>(info.format);
    return shape;
  }
  throw std::invalid_argument("no format: " + text);
}

}  // namespace ferry::test
