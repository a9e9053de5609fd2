#pragma once
// A display without a screen: the kernel's vkms, which writes what it shows back into memory (scripts/vm-run has one).

#include <cstdint>
#include <memory>
#include <vector>

#include "ferry/ferry.h"
#include "platform/unique_fd.h"

namespace ferry::test {

/// Shows XRGB8888 pictures. Everything here throws when the kernel refuses.
class Display {
 public:
  /// nullptr where the kernel has none.
  static std::unique_ptr<Display> open();
  ~Display();
  Display(const Display&) = delete;
  Display& operator=(const Display&) = delete;

  /// Has a picture of @p width_px x @p height_px, a mode of the display, shown from the next refresh on, after all that is to
  /// write @p dma_buf by its own fences. Returns at once, with a fence that signals when it has been shown.
  platform::UniqueFd show(const ferry_dma_buf& dma_buf, std::uint32_t width_px, std::uint32_t height_px);
  /// What it has shown, once that fence has signalled: words of XRGB8888, row by row.
  std::vector<std::uint32_t> shown() const;

 private:
  struct Parts;
  explicit Display(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace ferry::test
