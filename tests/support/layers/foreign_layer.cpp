// A Vulkan layer that ends the process when it takes an image from, or gives one to, VK_QUEUE_FAMILY_EXTERNAL: for programs
// all of whose images are to be VK_QUEUE_FAMILY_FOREIGN_EXT's in between.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

void VKAPI_CALL pipeline_barrier(VkCommandBuffer commands, VkPipelineStageFlags from, VkPipelineStageFlags to,
                                 VkDependencyFlags flags, std::uint32_t memory_count, const VkMemoryBarrier* memory,
                                 std::uint32_t buffer_count, const VkBufferMemoryBarrier* buffers,
                                 std::uint32_t image_count, const VkImageMemoryBarrier* images) {
  for (std::uint32_t i = 0; i < image_count; ++i)
    for (const std::uint32_t family : {images[i].srcQueueFamilyIndex, images[i].dstQueueFamilyIndex})
      if (family == VK_QUEUE_FAMILY_EXTERNAL) {
        std::fputs("an image changes owners with VK_QUEUE_FAMILY_EXTERNAL\n", stderr);
        std::abort();
      }
  next_of<PFN_vkCmdPipelineBarrier>(commands, "vkCmdPipelineBarrier")(commands, from, to, flags, memory_count, memory,
                                                                      buffer_count, buffers, image_count, images);
}

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  if (std::strcmp(name, "vkCmdPipelineBarrier") != 0) return nullptr;
  return reinterpret_cast<PFN_vkVoidFunction>(&pipeline_barrier);
}

}  // namespace ferry::test::layer
