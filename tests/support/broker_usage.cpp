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
  // "7f0c...-7f0c... rw-s ...": the fourth letter says whether it is shared.
  std::ifstream maps(fmt::format("/proc/{}/maps", pid));
  for (std::string line; std::getline(maps, line);) {
    const auto rights = line.find(' ');
    ++usage.mappings;
    if (rights != std::string::npos && line.size() > rights + 4 && line[rights + 4] == 's') ++usage.shared_mappings;
  }
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("RssAnon:")) usage.heap_bytes = std::stoull(line.substr(8)) * 1024;
  return usage;
}

}  // namespace ferry::test
