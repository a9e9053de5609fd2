#pragma once
// A vkGetInstanceProcAddr that an application may hand to Ferry: everything works as before, and every call that could
// copy, map, submit, create or import something is counted.

#include <vulkan/vulkan_core.h>

#include <cstdint>
#include <map>
#include <string>

namespace ferry::test {

#define FERRY_TEST_COUNTED_FUNCTIONS(X)                                                                                \
  X(AllocateMemory)                                                                                                    \
  X(BeginCommandBuffer)                                                                                                \
  X(BindImageMemory) X(BindImageMemory2) X(CmdBlitImage) X(CmdBlitImage2) X(CmdClearAttachments) X(CmdClearColorImage) \
      X(CmdCopyBuffer) X(CmdCopyBuffer2) X(CmdCopyBufferToImage) X(CmdCopyBufferToImage2) X(CmdCopyImage)              \
          X(CmdCopyImage2) X(CmdCopyImageToBuffer) X(CmdCopyImageToBuffer2) X(CmdDispatch) X(CmdDraw) X(CmdFillBuffer) \
              X(CmdPipelineBarrier) X(CmdResolveImage) X(CmdResolveImage2) X(CmdUpdateBuffer) X(CreateBuffer)          \
                  X(CreateCommandPool) X(CreateFence) X(CreateImage) X(CreateImageView) X(CreateSemaphore)             \
                      X(DeviceWaitIdle) X(FlushMappedMemoryRanges) X(GetMemoryFdKHR) X(GetSemaphoreFdKHR)              \
                          X(ImportFenceFdKHR) X(ImportSemaphoreFdKHR) X(InvalidateMappedMemoryRanges) X(MapMemory)     \
                              X(QueueBindSparse) X(QueueSubmit) X(QueueSubmit2) X(QueueSubmit2KHR) X(QueueWaitIdle)

/// Counts of this process so far, by name ("vkQueueSubmit"). Functions that nobody called are not in it.
std::map<std::string, std::uint64_t> counted_vulkan_calls();
void reset_counted_vulkan_calls();

/// @p next: the real one. Returns the one that counts. One real one a process.
PFN_vkGetInstanceProcAddr count_vulkan_calls(PFN_vkGetInstanceProcAddr next);

}  // namespace ferry::test
