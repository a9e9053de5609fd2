#pragma once
// The Vulkan functions Ferry calls, per instance and per device. Plain pointers over the C API: this code ends up in a
// shared library inside other people's processes, where a global dispatcher would be shared with theirs.

#include <vulkan/vulkan_core.h>

#include "proto/result.h"

namespace ferry::platform {

#define FERRY_VK_INSTANCE_FUNCTIONS(X)            \
  X(CreateDevice)                                 \
  X(DestroyInstance)                              \
  X(EnumerateDeviceExtensionProperties)           \
  X(EnumeratePhysicalDevices)                     \
  X(GetDeviceProcAddr)                            \
  X(GetPhysicalDeviceExternalSemaphoreProperties) \
  X(GetPhysicalDeviceFeatures2)                   \
  X(GetPhysicalDeviceFormatProperties2)           \
  X(GetPhysicalDeviceImageFormatProperties2)      \
  X(GetPhysicalDeviceMemoryProperties)            \
  X(GetPhysicalDeviceProperties2)                 \
  X(GetPhysicalDeviceQueueFamilyProperties)

#define FERRY_VK_DEVICE_FUNCTIONS(X) \
  X(AllocateCommandBuffers)          \
  X(AllocateMemory)                  \
  X(BeginCommandBuffer)              \
  X(BindBufferMemory)                \
  X(BindImageMemory)                 \
  X(CmdClearColorImage)              \
  X(CmdCopyBufferToImage)            \
  X(CmdCopyImageToBuffer)            \
  X(CmdFillBuffer)                   \
  X(CmdPipelineBarrier)              \
  X(CreateBuffer)                    \
  X(CreateCommandPool)               \
  X(CreateFence)                     \
  X(CreateImage)                     \
  X(CreateImageView)                 \
  X(CreateSemaphore)                 \
  X(DestroyBuffer)                   \
  X(DestroyCommandPool)              \
  X(DestroyDevice)                   \
  X(DestroyFence)                    \
  X(DestroyImage)                    \
  X(DestroyImageView)                \
  X(DestroySemaphore)                \
  X(EndCommandBuffer)                \
  X(FreeMemory)                      \
  X(GetBufferMemoryRequirements)     \
  X(GetDeviceQueue)                  \
  X(GetImageMemoryRequirements)      \
  X(GetImageSubresourceLayout)       \
  X(GetSemaphoreCounterValue)        \
  X(QueueSubmit)                     \
  X(ResetFences)                     \
  X(SignalSemaphore)                 \
  X(WaitForFences)                   \
  X(WaitSemaphores)

// Null where the extension is not enabled on the device.
#define FERRY_VK_OPTIONAL_DEVICE_FUNCTIONS(X) \
  X(GetImageDrmFormatModifierPropertiesEXT)   \
  X(GetMemoryFdKHR)                           \
  X(GetMemoryFdPropertiesKHR)                 \
  X(GetMemoryHostPointerPropertiesEXT)        \
  X(GetSemaphoreFdKHR)                        \
  X(ImportSemaphoreFdKHR)

#define FERRY_VK_DECLARE(name) PFN_vk##name name = nullptr;
struct InstanceDispatch {
  FERRY_VK_INSTANCE_FUNCTIONS(FERRY_VK_DECLARE)
};
struct DeviceDispatch {
  FERRY_VK_DEVICE_FUNCTIONS(FERRY_VK_DECLARE)
  FERRY_VK_OPTIONAL_DEVICE_FUNCTIONS(FERRY_VK_DECLARE)
};
#undef FERRY_VK_DECLARE

/// kUnsupported names the function that is missing.
proto::Result<InstanceDispatch> load_instance_dispatch(VkInstance instance,
                                                       PFN_vkGetInstanceProcAddr get_instance_proc_addr);
proto::Result<DeviceDispatch> load_device_dispatch(const InstanceDispatch& vki, VkDevice device);

}  // namespace ferry::platform
