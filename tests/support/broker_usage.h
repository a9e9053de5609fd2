#pragma once
// What a process has of the machine, from /proc.

#include <sys/types.h>

#include <cstddef>
#include <cstdint>

namespace ferry::test {

struct Usage {
  std::size_t descriptors = 0;
  std::size_t mappings = 0;
  std::size_t shared_mappings = 0;  ///< pages and textures, and whatever else is mapped MAP_SHARED
  std::uint64_t heap_bytes = 0;  ///< RssAnon: what is its own, without files and shared textures
};
Usage usage_of(pid_t pid);

}  // namespace ferry::test
