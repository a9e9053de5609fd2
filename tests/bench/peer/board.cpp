#include "tests/bench/peer/board.h"

#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace ferry::bench {

SharedMemory SharedMemory::create(std::size_t size_bytes) {
  platform::UniqueFd fd(memfd_create("ferry-bench", MFD_CLOEXEC));
  if (!fd || ftruncate(fd.get(), static_cast<off_t>(size_bytes)) != 0) throw std::runtime_error("no shared memory");
  return map(std::move(fd), size_bytes);
}

SharedMemory SharedMemory::map(platform::UniqueFd fd, std::size_t size_bytes) {
  SharedMemory memory;
  // Populated: the first frames pay no page faults that the others do not.
  void* data = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd.get(), 0);
  if (data == MAP_FAILED) throw std::runtime_error("shared memory cannot be mapped");
  memory.data_ = static_cast<std::byte*>(data);
  memory.size_bytes_ = size_bytes;
  memory.fd_ = std::move(fd);
  return memory;
}

SharedMemory::SharedMemory(SharedMemory&& other) noexcept { *this = std::move(other); }

SharedMemory& SharedMemory::operator=(SharedMemory&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(data_, other.data_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, size_bytes_);
}

}  // namespace ferry::bench
