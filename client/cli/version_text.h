#pragma once

#include <fmt/format.h>

#include <ferry/ferry.hpp>
#include <string>
#include <string_view>

namespace ferry::cli {

/// "ferry 0.1.0 (libferry 0.1.0)": what the program was built as, and what it found.
inline std::string version_text(std::string_view program) {
  return fmt::format("{} {}.{}.{} (libferry {})", program, FERRY_VERSION_MAJOR, FERRY_VERSION_MINOR,
                     FERRY_VERSION_PATCH, version());
}

}  // namespace ferry::cli
