#pragma once
// A device that refuses what a test wants it to.

#include <algorithm>
#include <memory>
#include <mutex>
#include <vector>

#include "tests/unit/client/library_test.h"

namespace ferry::client {

inline constexpr std::uint64_t kTiled = 0x0300000000606010u;

/// RGBA8 as dma-bufs in LINEAR and in a layout that its driver likes better.
inline platform::DeviceCapabilities able(std::uint8_t number, bool host_memory) {
  daemon::test::FakeGpu device(number, false);
  device.add_modifiers(proto::Format::kRgba8Unorm, {0, kTiled});
  platform::DeviceCapabilities capabilities = device.capabilities();
  capabilities.host_memory = host_memory;
  return capabilities;
}

/// Notes what it is given.
class PickyDevice final : public StandInDevice {
 public:
  using StandInDevice::import;
  using StandInDevice::StandInDevice;

  void refuse(std::vector<std::uint64_t> modifiers) {
    const std::lock_guard lock(mutex_);
    refused_ = std::move(modifiers);
  }
  /// Modifiers of dma-bufs, in their order, each once in a row.
  std::vector<std::uint64_t> tried() const {
    const std::lock_guard lock(mutex_);
    return tried_;
  }

  proto::Result<std::unique_ptr<platform::ImportedTexture>> import(platform::UniqueFd fd, const platform::TextureDesc& desc,
                                                                   const platform::TextureLayout& layout) override {
    const std::lock_guard lock(mutex_);
    if (layout.transport == platform::Transport::kDmaBuf) {
      if (tried_.empty() || tried_.back() != layout.modifier) tried_.push_back(layout.modifier);
      if (std::find(refused_.begin(), refused_.end(), layout.modifier) != refused_.end())
        return proto::Error{proto::ErrorCode::kUnsupported, "the driver says no"};
    }
    return StandInDevice::import(std::move(fd), desc, layout);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::uint64_t> refused_, tried_;
};

}  // namespace ferry::client
