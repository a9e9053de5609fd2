#pragma once
// How a process gets one of the Vulkan layers here.

#include <string>
#include <utility>
#include <vector>

namespace ferry::test {

using Environment = std::vector<std::pair<std::string, std::string>>;

/// Environment for a process that is to run under VK_LAYER_FERRY_@p name. For BrokerProcess::start() and SpawnOptions.
Environment with_layer(const std::string& name);

/// Replaces what @p more names, but for layers: those come to the ones that are there, nearer to the program.
void add_environment(Environment& environment, const Environment& more);

}  // namespace ferry::test
