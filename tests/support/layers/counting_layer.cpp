// A Vulkan layer that counts (counted_functions.h) into the file $FERRY_COUNT_FILE: a 64-bit word for each function, for
// another process to read while this one runs.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tests/support/counted_functions.h"
#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

using Counts = std::atomic<std::uint64_t>[kCounted];

/// In the file, or in this process alone when there is none.
Counts& counts() {
  static Counts& mapped = []() -> Counts& {
    static Counts own{};
    const char* path = std::getenv("FERRY_COUNT_FILE");
    const int fd = path == nullptr ? -1 : ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ::ftruncate(fd, sizeof own) != 0) return own;
    void* const memory = ::mmap(nullptr, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    return memory == MAP_FAILED ? own : *static_cast<Counts*>(memory);
  }();
  return mapped;
}

template <std::size_t Index, class Function>
struct Trampoline;
template <std::size_t Index, class Return, class Handle, class... Arguments>
struct Trampoline<Index, Return(VKAPI_PTR*)(Handle, Arguments...)> {
  static inline const char* name = nullptr;
  static Return VKAPI_PTR call(Handle handle, Arguments... arguments) {
    counts()[Index].fetch_add(1, std::memory_order_relaxed);
    return next_of<Return(VKAPI_PTR*)(Handle, Arguments...)>(handle, name)(handle, arguments...);
  }
};

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  counts();  // the file is there once the layer is
  const std::string_view wanted = name;
#define FERRY_TEST_REPLACE(function)                                                               \
  if (wanted == "vk" #function) {                                                                  \
    using Counting = Trampoline<static_cast<std::size_t>(Counted::k##function), PFN_vk##function>; \
    Counting::name = "vk" #function;                                                               \
    return reinterpret_cast<PFN_vkVoidFunction>(&Counting::call);                                  \
  }
  FERRY_TEST_COUNTED_FUNCTIONS(FERRY_TEST_REPLACE)
#undef FERRY_TEST_REPLACE
  return nullptr;
}

}  // namespace ferry::test::layer
