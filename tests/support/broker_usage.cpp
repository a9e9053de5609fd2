#include "tests/support/broker_usage.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace ferry::test {

Usage usage_of(pid_t pid) {
  Usage usage;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fd", pid), ignored)) {
    (void)entry;
    ++usage.descriptors;
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) usage.heap_bytes = std::stoull(line.substr(8)) * 1024;
  return usage;
}

}  // namespace ferry::test
