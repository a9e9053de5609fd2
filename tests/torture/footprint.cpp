#include "tests/torture/footprint.h"

#include <fmt/format.h>

namespace ferry::torture {

Footprint footprint_of(pid_t pid, const std::string& census_file) {
  return {test::usage_of(pid), test::read_census(census_file)};
}

std::string Footprint::text() const {
  return fmt::format("{} descriptors, {} mappings, {} of them shared, {} KiB of its own; {}", usage.descriptors, usage.mappings,
                     usage.shared_mappings, usage.heap_bytes >> 10, vulkan.text());
}

bool Footprint::fits(const Footprint& before) const {
  constexpr std::size_t kMappingsMore = 24;
  constexpr std::uint64_t kBytesMore = 24 << 20;
  // NVIDIA's driver makes a mapping or two later than at first. What is lost with each fault is soon more than that.
  constexpr std::size_t kSharedMappingsMore = 2;
  // What was on its way out when the others were counted is no longer there: fewer is no leak.
  return usage.descriptors <= before.usage.descriptors &&
         usage.shared_mappings <= before.usage.shared_mappings + kSharedMappingsMore &&
         usage.mappings <= before.usage.mappings + kMappingsMore &&
         usage.heap_bytes <= before.usage.heap_bytes + kBytesMore && vulkan == before.vulkan;
}

}  // namespace ferry::torture
