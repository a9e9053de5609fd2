#pragma once
// What the counting layer (counting_layer.cpp) has counted in another process.

#include <cstdint>
#include <map>
#include <string>

#include "tests/support/layers/layers.h"

namespace ferry::test {

/// For a process that is to be counted: its counts go to @p file, from its first call on.
Environment counting_layer(const std::string& file);

/// Counts so far, by name ("vkQueueSubmit"). Functions that nobody called are not in it. Throws when the layer was never
/// loaded.
std::map<std::string, std::uint64_t> read_call_counts(const std::string& file);

}  // namespace ferry::test
