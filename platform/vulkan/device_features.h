#pragma once
// The features that a device of Ferry's own is made with: what Ferry and its examples use, and what the caller asks for.

#include "platform/vulkan/dispatch.h"
#include "proto/result.h"

namespace ferry::platform {

class DeviceFeatures {
 public:
  /// timelineSemaphore, and dynamicRendering, samplerYcbcrConversion and samplerAnisotropy where @p device has them; but what a struct of
  /// @p chain decides is left to it. kInvalidArgument when that turns timelineSemaphore off.
  static proto::Result<std::unique_ptr<DeviceFeatures>> choose(const InstanceDispatch& vki, VkPhysicalDevice device,
                                                               std::uint32_t instance_version, const void* chain);
  DeviceFeatures(const DeviceFeatures&) = delete;
  DeviceFeatures& operator=(const DeviceFeatures&) = delete;

  /// For VkDeviceCreateInfo::pNext. The caller's chain is its end.
  const void* next() const { return next_; }

 private:
  DeviceFeatures() = default;
  template <class Struct>
  void put(Struct& before);

  VkPhysicalDeviceTimelineSemaphoreFeatures timeline_{};
  VkPhysicalDeviceDynamicRenderingFeatures rendering_{};
  VkPhysicalDeviceSamplerYcbcrConversionFeatures conversion_{};
  VkPhysicalDeviceFeatures2 core_{};
  const void* next_ = nullptr;
};

}  // namespace ferry::platform
