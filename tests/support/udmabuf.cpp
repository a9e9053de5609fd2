#include "tests/support/udmabuf.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <stdexcept>
#include <utility>

namespace ferry::test {

platform::UniqueFd sealed_memory(std::size_t size_bytes) {
  platform::UniqueFd memory(::memfd_create("ferry-test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (::ftruncate(memory.get(), static_cast<off_t>(size_bytes)) != 0 ||
      ::fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0)
    throw std::runtime_error("memfd");
  return memory;
}

Udmabuf::Udmabuf(std::size_t size_bytes) {
  const platform::UniqueFd maker(::open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  const platform::UniqueFd memory = sealed_memory(size_bytes);
  udmabuf_create create{};
  create.memfd = static_cast<std::uint32_t>(memory.get());
  create.flags = UDMABUF_FLAGS_CLOEXEC;
  create.size = size_bytes;
  fd_.reset(::ioctl(maker.get(), UDMABUF_CREATE, &create));
  if (!fd_) throw std::runtime_error("UDMABUF_CREATE");
  void* mapped = ::mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_.get(), 0);
  if (mapped == MAP_FAILED) throw std::runtime_error("mmap of a dma-buf");
  bytes_ = {static_cast<std::byte*>(mapped), size_bytes};
}

Udmabuf::Udmabuf(Udmabuf&& other) noexcept : fd_(std::move(other.fd_)), bytes_(std::exchange(other.bytes_, {})) {}

Udmabuf::~Udmabuf() {
  if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

}  // namespace ferry::test
