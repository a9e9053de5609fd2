#pragma once
// A Vulkan layer whose calls fail on demand. It lives in the process that it troubles, which finds these two functions
// by dlopen() and dlsym(): everything that Ferry calls and that returns a VkResult can be told to fail.

#include <vulkan/vulkan_core.h>

#define FERRY_FAILING_INSTANCE_FUNCTIONS(X) \
  X(EnumeratePhysicalDevices)               \
  X(EnumerateDeviceExtensionProperties)     \
  X(GetPhysicalDeviceImageFormatProperties2)

#define FERRY_FAILING_DEVICE_FUNCTIONS(X)      \
  X(AllocateCommandBuffers)                    \
  X(AllocateMemory)                            \
  X(BeginCommandBuffer)                        \
  X(BindBufferMemory)                          \
  X(BindImageMemory)                           \
  X(CreateBuffer)                              \
  X(CreateCommandPool)                         \
  X(CreateFence)                               \
  X(CreateImage)                               \
  X(CreateImageView)                           \
  X(CreateSemaphore)                           \
  X(EndCommandBuffer)                          \
  X(GetImageDrmFormatModifierPropertiesEXT)    \
  X(GetMemoryFdKHR)                            \
  X(GetMemoryFdPropertiesKHR)                  \
  X(GetMemoryHostPointerPropertiesEXT)         \
  X(GetSemaphoreCounterValue)                  \
  X(GetSemaphoreFdKHR)                         \
  X(ImportSemaphoreFdKHR)                      \
  X(QueueSubmit)                               \
  X(ResetFences)                               \
  X(SignalSemaphore)                           \
  X(WaitForFences)                             \
  X(WaitSemaphores)

// And vkCreateInstance, vkCreateDevice.

extern "C" {
/// The @p nth call (1: the next) of @p function ("vkCreateImage") returns @p result, and does nothing but wait where it
/// would have waited: a process that is told that its device is lost may destroy what the device still uses.
void ferry_failing_arm(const char* function, int nth, VkResult result);
/// Whether it did; nothing fails after this.
bool ferry_failing_disarm();
}
using FerryFailingArm = decltype(&ferry_failing_arm);
using FerryFailingDisarm = decltype(&ferry_failing_disarm);
