#pragma once
// A Vulkan device as an application makes one, with the queues and priorities that a measurement asks for.

#include <cstdint>
#include <memory>
#include <string>
#include <vulkan/vulkan.hpp>

#include "tests/support/gpu.h"

namespace ferry::bench {

struct DeviceOptions {
  std::string second_queue{};  ///< "", "transfer" (nothing else in its family) or "compute" (no graphics)
  std::string priority{};      ///< VK_KHR_global_priority: "", low, medium, high or realtime
};

class Device {
 public:
  /// The first real GPU, else the first device. Throws when it lacks what @p options ask for.
  explicit Device(const DeviceOptions& options);
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  vk::Device vk() const { return *device_; }
  vk::PhysicalDevice physical() const { return physical_; }
  /// The graphics queue, and the second one where there is one.
  const test::Gpu& gpu() const { return *gpu_; }
  const test::Gpu& second() const { return *second_; }
  bool has_second() const { return second_ != nullptr; }
  /// What ferry_device_wrap() takes, for work on @p gpu's queue.
  ferry_vulkan_info ferry_info(const test::Gpu& gpu) const;

  std::string name() const;
  std::string driver() const;
  bool exports_timelines() const { return exports_timelines_; }
  /// From the host (VkPhysicalDeviceVulkan12Features::hostQueryReset).
  bool resets_queries() const { return resets_queries_; }
  bool is_software() const { return physical_.getProperties().deviceType == vk::PhysicalDeviceType::eCpu; }

 private:
  vk::UniqueInstance instance_;
  vk::PhysicalDevice physical_;
  vk::UniqueDevice device_;
  std::uint32_t family_ = 0;
  bool exports_timelines_ = false, resets_queries_ = false;
  std::unique_ptr<test::Gpu> gpu_, second_;
};

}  // namespace ferry::bench
