#pragma once
// The device that libferry made, as Vulkan-Hpp wants it. Vulkan comes through the library's loader, so that `ferry
// status` runs where no Vulkan is installed: the program links none.

#ifndef VULKAN_HPP_DISPATCH_LOADER_DYNAMIC
#define VULKAN_HPP_DISPATCH_LOADER_DYNAMIC 1
#endif

#include <cstdint>
#include <ferry/ferry.hpp>
#include <vulkan/vulkan.hpp>

namespace ferry::cli {

struct Gpu {
  vk::PhysicalDevice physical_device;
  vk::Device device;
  vk::Queue queue;
  std::uint32_t queue_family = 0;
};

/// Points Vulkan-Hpp's dispatcher at @p device, and lends Ferry its queue. One device and one thread a process. Everything made with it must go before it.
Gpu open_gpu(const Device& device);

/// Throws CommandError (timed out) when the GPU has not come to @p fence by @p deadline_ns (CLOCK_MONOTONIC).
void wait_for_fence(const Gpu& gpu, vk::Fence fence, std::int64_t deadline_ns);

/// How long submitted work may take before the GPU counts as stuck.
inline constexpr std::int64_t kGpuPatienceNs = 5'000'000'000;

}  // namespace ferry::cli
