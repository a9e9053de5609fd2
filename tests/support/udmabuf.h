#pragma once
// Dma-bufs of the host's memory (/dev/udmabuf), for tests that bring their own: scripts/vm-run's machine makes them.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <span>

#include "platform/unique_fd.h"

namespace ferry::test {

/// A memfd as dma-bufs are made of.
platform::UniqueFd sealed_memory(std::size_t size_bytes);

/// Mapped for its life. Whole pages.
class Udmabuf {
 public:
  /// Throws where the kernel makes none.
  explicit Udmabuf(std::size_t size_bytes);
  Udmabuf(Udmabuf&& other) noexcept;
  Udmabuf& operator=(Udmabuf&&) = delete;
  ~Udmabuf();

  const platform::UniqueFd& fd() const { return fd_; }
  std::span<std::byte> bytes() const { return bytes_; }

 private:
  platform::UniqueFd fd_;
  std::span<std::byte> bytes_;
};

/// Skips the test that is running where nobody can make one; fails it where FERRY_TEST_DMA_BUF says that somebody can.
inline void need_udmabuf() {
  if (::access("/dev/udmabuf", R_OK | W_OK) == 0) return;
  if (std::getenv("FERRY_TEST_DMA_BUF") != nullptr) FAIL() << "this machine should have /dev/udmabuf";
  GTEST_SKIP() << "no /dev/udmabuf here (scripts/vm-test has one)";
}

}  // namespace ferry::test
