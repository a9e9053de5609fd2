#pragma once
// For waiting where nothing can wake us but looking again: naps that grow with the wait, so that neither a short wait is
// noticed late nor a long one keeps a processor busy.

#include <algorithm>
#include <cstdint>

namespace ferry::platform {

/// How long to nap before the next look, @p waited_ns after the first one. The end is noticed late by about an eighth of
/// the wait.
constexpr std::int64_t growing_nap_ns(std::int64_t waited_ns) {
  return std::clamp<std::int64_t>(waited_ns / 8, 20'000, 1'000'000);
}

}  // namespace ferry::platform
