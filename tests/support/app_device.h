#pragma once
// A Vulkan device as an application has it: made without Ferry, with what ferry_get_vulkan_requirements() asks for.

#include <vulkan/vulkan_core.h>

#include <memory>

#include "ferry/ferry.h"
#include "tests/support/gpu.h"

namespace ferry::test {

class AppDevice {
 public:
  /// The device that Ferry would choose itself. @p connection: to ask the broker which one that is.
  explicit AppDevice(ferry_connection* connection);
  ~AppDevice();
  AppDevice(const AppDevice&) = delete;
  AppDevice& operator=(const AppDevice&) = delete;

  const ferry_vulkan_info& info() const { return info_; }
  const Gpu& gpu() const { return *gpu_; }

 private:
  void* library_ = nullptr;
  ferry_vulkan_info info_ = FERRY_VULKAN_INFO_INIT;
  std::unique_ptr<Gpu> gpu_;
};

}  // namespace ferry::test
