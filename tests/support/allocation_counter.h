#pragma once
// Counts what a thread allocates: link allocation_counter.cpp into the test program, and every malloc of the process,
// libferry's and the driver's too, goes through it.

#include <cstdint>

namespace ferry::test {

/// Counts on this thread for its own life. Not nested.
class AllocationCount {
 public:
  AllocationCount();
  ~AllocationCount();
  AllocationCount(const AllocationCount&) = delete;
  AllocationCount& operator=(const AllocationCount&) = delete;

  /// malloc, calloc, realloc, aligned_alloc and what is built on them, since the constructor.
  std::uint64_t allocations() const;
};

/// What the threads of the library itself (named "ferry-...") have allocated since watch_library_threads().
void watch_library_threads();
std::uint64_t library_thread_allocations();

}  // namespace ferry::test
