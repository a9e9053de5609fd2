#include "tests/support/layers/vulkan_census.h"

#include <fmt/format.h>

#include <fstream>

namespace ferry::test {

std::string VulkanCensus::text() const {
  return fmt::format("{} memory objects of {} KiB, {} images, {} views, {} buffers, {} semaphores, {} fences, {} command pools",
                     count[kMemory], count[kMemoryBytes] >> 10, count[kImages], count[kViews], count[kBuffers],
                     count[kSemaphores], count[kFences], count[kCommandPools]);
}

Environment census_environment(const std::string& file) {
  Environment environment = with_layer("census");
  environment.emplace_back("FERRY_CENSUS_FILE", file);
  return environment;
}

VulkanCensus read_census(const std::string& file) {
  VulkanCensus census;
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(census.count.data()), sizeof census.count);
  return census;
}

}  // namespace ferry::test
