#pragma once
// What every object made on one device shares, and RAII for its handles.

#include <cstdint>
#include <utility>

#include "platform/vulkan/device.h"
#include "platform/vulkan/dispatch.h"

namespace ferry::platform {

/// One VkDevice. Everything made on it keeps a shared_ptr to this, so a device of ours outlives what was made on it
/// whatever the order of destruction. A wrapped device is the application's to keep.
struct DeviceContext {
  DeviceContext() = default;
  DeviceContext(const DeviceContext&) = delete;
  DeviceContext& operator=(const DeviceContext&) = delete;
  virtual ~DeviceContext() = default;

  /// For a device that is to go with its context, as soon as there is one: what comes next may fail before the rest of
  /// the functions are loaded.
  void destroy_device_of(const InstanceDispatch& instance) {
    vkd.DestroyDevice =
        reinterpret_cast<PFN_vkDestroyDevice>(instance.GetDeviceProcAddr(handles.device, "vkDestroyDevice"));
  }

  VulkanHandles handles;
  InstanceDispatch vki;
  DeviceDispatch vkd;
  DeviceCapabilities capabilities;
  VkPhysicalDeviceMemoryProperties memory{};
};

/// A handle that @p Destroy (a member of DeviceDispatch) takes back. The context must outlive it: declare it after the
/// shared_ptr of its owner.
template <class Handle, auto Destroy>
class UniqueHandle {
 public:
  UniqueHandle() = default;
  UniqueHandle(const DeviceContext& context, Handle handle) : context_(&context), handle_(handle) {}
  UniqueHandle(UniqueHandle&& other) noexcept
      : context_(other.context_), handle_(std::exchange(other.handle_, Handle{VK_NULL_HANDLE})) {}
  UniqueHandle& operator=(UniqueHandle&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    return *this;
  }
  UniqueHandle(const UniqueHandle&) = delete;
  UniqueHandle& operator=(const UniqueHandle&) = delete;
  ~UniqueHandle() {
    if (handle_ != VK_NULL_HANDLE) (context_->vkd.*Destroy)(context_->handles.device, handle_, nullptr);
  }

  Handle get() const { return handle_; }

 private:
  const DeviceContext* context_ = nullptr;
  Handle handle_ = VK_NULL_HANDLE;
};

using UniqueBuffer = UniqueHandle<VkBuffer, &DeviceDispatch::DestroyBuffer>;
using UniqueCommandPool = UniqueHandle<VkCommandPool, &DeviceDispatch::DestroyCommandPool>;
using UniqueFence = UniqueHandle<VkFence, &DeviceDispatch::DestroyFence>;
using UniqueImage = UniqueHandle<VkImage, &DeviceDispatch::DestroyImage>;
using UniqueImageView = UniqueHandle<VkImageView, &DeviceDispatch::DestroyImageView>;
using UniqueMemory = UniqueHandle<VkDeviceMemory, &DeviceDispatch::FreeMemory>;
using UniqueSemaphore = UniqueHandle<VkSemaphore, &DeviceDispatch::DestroySemaphore>;

}  // namespace ferry::platform
