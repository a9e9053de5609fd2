#include "tests/support/allocation_counter.h"

#include <sys/prctl.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstring>

// glibc's own names for its allocator: what it calls itself when somebody has replaced malloc.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

// Initial-exec: the first use of a thread's variables must not allocate them.
__attribute__((tls_model("initial-exec"))) thread_local bool counting = false;
__attribute__((tls_model("initial-exec"))) thread_local std::uint64_t allocated = 0;

std::atomic<bool> watching_threads{false};
std::atomic<std::uint64_t> allocated_by_threads{0};

bool is_library_thread() {
  char name[16] = {};
  return ::prctl(PR_GET_NAME, name) == 0 && std::strncmp(name, "ferry-", 6) == 0;
}

void note() {
  if (counting) ++allocated;
  if (watching_threads.load(std::memory_order_relaxed) && is_library_thread()) ++allocated_by_threads;
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) void* malloc(std::size_t size) {
  note();
  return __libc_malloc(size);
}
__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t size) {
  note();
  return __libc_calloc(count, size);
}
__attribute__((visibility("default"))) void* realloc(void* memory, std::size_t size) {
  note();
  return __libc_realloc(memory, size);
}
__attribute__((visibility("default"))) void* memalign(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) void* aligned_alloc(std::size_t alignment, std::size_t size) {
  note();
  return __libc_memalign(alignment, size);
}
__attribute__((visibility("default"))) int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  note();
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? ENOMEM : 0;
}
}

namespace ferry::test {

AllocationCount::AllocationCount() {
  allocated = 0;
  counting = true;
}
AllocationCount::~AllocationCount() { counting = false; }
std::uint64_t AllocationCount::allocations() const { return allocated; }

void watch_library_threads() {
  allocated_by_threads = 0;
  watching_threads = true;
}
std::uint64_t library_thread_allocations() { return allocated_by_threads; }

}  // namespace ferry::test
