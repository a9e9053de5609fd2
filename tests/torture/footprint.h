#pragma once
// What the broker's process has, and whether it has more than it had when the same people were there before.

#include <sys/types.h>

#include <map>
#include <string>

#include "tests/support/broker_usage.h"
#include "tests/support/layers/vulkan_census.h"

namespace ferry::torture {

struct Footprint {
  test::Usage usage;
  test::VulkanCensus vulkan;
  std::string text() const;
  /// Nothing that it had not @p before. What an allocator and a driver keep for later may come and go a little.
  bool fits(const Footprint& before) const;
};
/// Of the process @p pid, which writes its census to @p census_file.
Footprint footprint_of(pid_t pid, const std::string& census_file);

/// By who was there, and with what: what a broker has then.
using UsualFootprints = std::map<std::string, Footprint>;

}  // namespace ferry::torture
