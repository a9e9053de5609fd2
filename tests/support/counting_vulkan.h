#pragma once
// A vkGetInstanceProcAddr that an application may hand to Ferry: everything works as before, and the calls of
// counted_functions.h are counted.

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <map>
#include <string>

namespace ferry::test {

/// Counts of this process so far, by name ("vkQueueSubmit"). Functions that nobody called are not in it.
std::map<std::string, std::uint64_t> counted_vulkan_calls();
void reset_counted_vulkan_calls();

/// @p next: the real one. Returns the one that counts. One real one a process.
PFN_vkGetInstanceProcAddr count_vulkan_calls(PFN_vkGetInstanceProcAddr next);

}  // namespace ferry::test
