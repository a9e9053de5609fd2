// A Vulkan layer that makes a mistake on behalf of the program above it, harmless to every driver and plain to the
// validation layer below: with each allocation of memory, a buffer that is good for no use at all.

#include <cstring>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                    const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.size = 256;
  create.usage = 0;  // VUID-VkBufferCreateInfo-usage-requiredbitmask
  VkBuffer buffer = VK_NULL_HANDLE;
  if (next_of<PFN_vkCreateBuffer>(device, "vkCreateBuffer")(device, &create, nullptr, &buffer) == VK_SUCCESS)
    next_of<PFN_vkDestroyBuffer>(device, "vkDestroyBuffer")(device, buffer, nullptr);
  return next_of<PFN_vkAllocateMemory>(device, "vkAllocateMemory")(device, info, allocator, memory);
}

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  return std::strcmp(name, "vkAllocateMemory") == 0 ? reinterpret_cast<PFN_vkVoidFunction>(&allocate_memory) : nullptr;
}

}  // namespace ferry::test::layer
