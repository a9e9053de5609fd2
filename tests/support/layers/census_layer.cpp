// A Vulkan layer that counts the objects of a process, in the file $FERRY_CENSUS_FILE (vulkan_census.h).

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "tests/support/layers/layer_chain.h"
#include "tests/support/layers/vulkan_census.h"

namespace ferry::test::layer {
namespace {

using Counts = std::atomic<std::int64_t>[VulkanCensus::kKinds];

Counts& open_counts() {
  static Counts nowhere;
  const char* file = std::getenv("FERRY_CENSUS_FILE");
  const int fd = file != nullptr ? ::open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  void* mapped = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, 0) == 0 && ::ftruncate(fd, sizeof nowhere) == 0)
    mapped = ::mmap(nullptr, sizeof nowhere, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) ::close(fd);
  return mapped == MAP_FAILED ? nowhere : *static_cast<Counts*>(mapped);
}

void count(VulkanCensus::Kind kind, std::int64_t more) {
  static Counts& counts = open_counts();
  counts[kind] += more;
}

std::mutex mutex;
std::map<VkDeviceMemory, std::int64_t> sizes;

VkResult VKAPI_CALL allocate_memory(VkDevice device, const VkMemoryAllocateInfo* info,
                                    const VkAllocationCallbacks* allocator, VkDeviceMemory* memory) {
  const VkResult result = next_of<PFN_vkAllocateMemory>(device, "vkAllocateMemory")(device, info, allocator, memory);
  if (result != VK_SUCCESS) return result;
  const auto size = static_cast<std::int64_t>(info->allocationSize);
  count(VulkanCensus::kMemory, 1);
  count(VulkanCensus::kMemoryBytes, size);
  const std::lock_guard lock(mutex);
  sizes[*memory] = size;
  return result;
}

void VKAPI_CALL free_memory(VkDevice device, VkDeviceMemory memory, const VkAllocationCallbacks* allocator) {
  if (memory != VK_NULL_HANDLE) {
    const std::lock_guard lock(mutex);
    count(VulkanCensus::kMemory, -1);
    count(VulkanCensus::kMemoryBytes, -sizes[memory]);
    sizes.erase(memory);
  }
  next_of<PFN_vkFreeMemory>(device, "vkFreeMemory")(device, memory, allocator);
}

#define FERRY_COUNT(Object, kind)                                                                                   \
  VkResult VKAPI_CALL create_##Object(VkDevice device, const Vk##Object##CreateInfo* info,                          \
                                      const VkAllocationCallbacks* allocator, Vk##Object* object) {                 \
    const VkResult result =                                                                                         \
        next_of<PFN_vkCreate##Object>(device, "vkCreate" #Object)(device, info, allocator, object);                 \
    if (result == VK_SUCCESS) count(VulkanCensus::kind, 1);                                                         \
    return result;                                                                                                  \
  }                                                                                                                 \
  void VKAPI_CALL destroy_##Object(VkDevice device, Vk##Object object, const VkAllocationCallbacks* allocator) {    \
    if (object != VK_NULL_HANDLE) count(VulkanCensus::kind, -1);                                                    \
    next_of<PFN_vkDestroy##Object>(device, "vkDestroy" #Object)(device, object, allocator);                         \
  }
#define FERRY_COUNTED(apply)       \
  apply(Image, kImages)            \
  apply(ImageView, kViews)         \
  apply(Buffer, kBuffers)          \
  apply(Semaphore, kSemaphores)    \
  apply(Fence, kFences)            \
  apply(CommandPool, kCommandPools)
FERRY_COUNTED(FERRY_COUNT)

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
#define FERRY_NAMED(Object, kind)                                                       \
  {"vkCreate" #Object, reinterpret_cast<PFN_vkVoidFunction>(&create_##Object)},         \
      {"vkDestroy" #Object, reinterpret_cast<PFN_vkVoidFunction>(&destroy_##Object)},
  static const std::pair<const char*, PFN_vkVoidFunction> all[] = {
      {"vkAllocateMemory", reinterpret_cast<PFN_vkVoidFunction>(&allocate_memory)},
      {"vkFreeMemory", reinterpret_cast<PFN_vkVoidFunction>(&free_memory)},
      FERRY_COUNTED(FERRY_NAMED)};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace ferry::test::layer
