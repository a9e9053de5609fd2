// LD_PRELOAD library: counts every memcpy and memmove of more than 4 KiB ($FERRY_COPY_LARGER_THAN bytes) by who called it,
// and appends a line of "OBJECT COUNT BYTES" for each place that copies to $FERRY_COPY_LOG when the process ends.

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constinit std::atomic<std::size_t> larger_than_bytes{4096};

__attribute__((constructor)) void read_environment() {
  if (const char* text = std::getenv("FERRY_COPY_LARGER_THAN")) larger_than_bytes = std::strtoul(text, nullptr, 10);
}

/// Callers by the address that the copy returns to: few places copy so much.
struct Site {
  std::atomic<void*> address{nullptr};
  std::atomic<std::uint64_t> count{0}, bytes{0};
};
std::array<Site, 1024> sites;

void note(void* caller, std::size_t size) {
  if (size <= larger_than_bytes.load(std::memory_order_relaxed)) return;
  std::size_t at = (reinterpret_cast<std::uintptr_t>(caller) >> 2) % sites.size();
  for (std::size_t tries = 0; tries < sites.size(); ++tries, at = (at + 1) % sites.size()) {
    void* expected = nullptr;
    if (sites[at].address.compare_exchange_strong(expected, caller) || expected == caller) {
      sites[at].count.fetch_add(1, std::memory_order_relaxed);
      sites[at].bytes.fetch_add(size, std::memory_order_relaxed);
      return;
    }
  }
}

/// The instruction, because every function that copies is one of those replaced here.
void copy_forward(void* to, const void* from, std::size_t size) {
  asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
}
void copy_backward(void* to, const void* from, std::size_t size) {
  auto* last_to = static_cast<char*>(to) + size - 1;
  auto* last_from = static_cast<const char*>(from) + size - 1;
  asm volatile("std; rep movsb; cld" : "+D"(last_to), "+S"(last_from), "+c"(size) : : "memory");
}

__attribute__((destructor)) void write_log() {
  const char* path = std::getenv("FERRY_COPY_LOG");
  if (path == nullptr) return;
  const int fd = ::open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) return;
  for (const Site& site : sites) {
    void* const address = site.address.load();
    Dl_info info{};
    if (address == nullptr || ::dladdr(address, &info) == 0) continue;
    char line[512];
    const int length = std::snprintf(line, sizeof line, "%s %llu %llu\n", info.dli_fname,
                                     static_cast<unsigned long long>(site.count.load()),
                                     static_cast<unsigned long long>(site.bytes.load()));
    const ssize_t written = ::write(fd, line, static_cast<std::size_t>(length));
    static_cast<void>(written);
  }
  ::close(fd);
}

}  // namespace

extern "C" {
__attribute__((visibility("default"))) void* memcpy(void* to, const void* from, std::size_t size) {
  note(__builtin_return_address(0), size);
  copy_forward(to, from, size);
  return to;
}
__attribute__((visibility("default"))) void* memmove(void* to, const void* from, std::size_t size) {
  note(__builtin_return_address(0), size);
  if (to <= from || static_cast<char*>(to) >= static_cast<const char*>(from) + size)
    copy_forward(to, from, size);
  else
    copy_backward(to, from, size);
  return to;
}
__attribute__((visibility("default"))) void* __memcpy_chk(void* to, const void* from, std::size_t size, std::size_t) {
  note(__builtin_return_address(0), size);
  copy_forward(to, from, size);
  return to;
}
__attribute__((visibility("default"))) void* __memmove_chk(void* to, const void* from, std::size_t size, std::size_t) {
  note(__builtin_return_address(0), size);
  if (to <= from || static_cast<char*>(to) >= static_cast<const char*>(from) + size)
    copy_forward(to, from, size);
  else
    copy_backward(to, from, size);
  return to;
}
}
