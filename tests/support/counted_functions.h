#pragma once
// What the tests count of Vulkan: every call that could copy, map, submit, create or import something. Copies with no
// exception that these headers know; what newer ones bring (VK_EXT_host_image_copy) no code here can call.

#include <cstddef>

#define FERRY_TEST_COUNTED_FUNCTIONS(X)                                                                                \
  X(AllocateMemory)                                                                                                    \
  X(BeginCommandBuffer)                                                                                                \
  X(BindImageMemory) X(BindImageMemory2) X(CmdBlitImage) X(CmdBlitImage2) X(CmdBlitImage2KHR) X(CmdClearAttachments)   \
      X(CmdClearColorImage) X(CmdCopyBuffer) X(CmdCopyBuffer2) X(CmdCopyBuffer2KHR) X(CmdCopyBufferToImage)            \
          X(CmdCopyBufferToImage2) X(CmdCopyBufferToImage2KHR) X(CmdCopyImage) X(CmdCopyImage2) X(CmdCopyImage2KHR)    \
              X(CmdCopyImageToBuffer) X(CmdCopyImageToBuffer2) X(CmdCopyImageToBuffer2KHR) X(CmdCopyQueryPoolResults)  \
                  X(CmdDispatch) X(CmdDraw) X(CmdFillBuffer) X(CmdPipelineBarrier) X(CmdResolveImage)                  \
                      X(CmdResolveImage2) X(CmdResolveImage2KHR) X(CmdUpdateBuffer) X(CreateBuffer)                    \
                          X(CreateCommandPool) X(CreateFence) X(CreateImage) X(CreateImageView) X(CreateSemaphore)     \
                              X(DeviceWaitIdle) X(FlushMappedMemoryRanges) X(GetMemoryFdKHR) X(GetSemaphoreFdKHR)      \
                                  X(ImportFenceFdKHR) X(ImportSemaphoreFdKHR) X(InvalidateMappedMemoryRanges)          \
                                      X(MapMemory) X(QueueBindSparse) X(QueueSubmit) X(QueueSubmit2)                   \
                                          X(QueueSubmit2KHR) X(QueueWaitIdle)

namespace ferry::test {

/// Their places in an array of counts.
enum class Counted : std::size_t {
#define FERRY_TEST_ENUM(name) k##name,
  FERRY_TEST_COUNTED_FUNCTIONS(FERRY_TEST_ENUM)
#undef FERRY_TEST_ENUM
      kEnd
};
inline constexpr auto kCounted = static_cast<std::size_t>(Counted::kEnd);

}  // namespace ferry::test
