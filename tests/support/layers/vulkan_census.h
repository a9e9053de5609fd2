#pragma once
// How many objects of each kind a process has of its Vulkan driver: counted by a layer (census_layer.cpp), read from a
// file by whoever watches the process.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "tests/support/layers/layers.h"

namespace ferry::test {

struct VulkanCensus {
  enum Kind : std::size_t { kMemory, kMemoryBytes, kImages, kViews, kBuffers, kSemaphores, kFences, kCommandPools, kKinds };
  std::array<std::int64_t, kKinds> count{};
  bool operator==(const VulkanCensus&) const = default;
  std::string text() const;
};

/// For a process that is to write its census to @p file; it starts from nothing whenever a process starts.
Environment census_environment(const std::string& file);
/// All zero when there is none.
VulkanCensus read_census(const std::string& file);

}  // namespace ferry::test
