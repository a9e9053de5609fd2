#include "tests/support/layers/failing_layer.h"

#include <unistd.h>

#include <atomic>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

struct Armed {
  std::string function;
  int countdown = 0;
  VkResult result = VK_SUCCESS;
  bool fired = false;
};
std::mutex armed_mutex;
Armed armed;

/// The result that this call is to have; VK_SUCCESS: its own.
VkResult injected(const char* function) {
  const std::lock_guard lock(armed_mutex);
  if (armed.function != function || --armed.countdown != 0) return VK_SUCCESS;
  armed.fired = true;
  return armed.result;
}

std::atomic<bool> software_driver{false};

/// A failed import leaves its descriptor with the caller; but not one of a software driver's, which closes it
/// (platform/vulkan/driver_fd.h).
void lose_descriptor(const VkMemoryAllocateInfo& info) {
  if (!software_driver) return;
  for (auto* next = static_cast<const VkBaseInStructure*>(info.pNext); next != nullptr; next = next->pNext)
    if (next->sType == VK_STRUCTURE_TYPE_IMPORT_MEMORY_FD_INFO_KHR)
      ::close(reinterpret_cast<const VkImportMemoryFdInfoKHR*>(next)->fd);
}
void lose_descriptor(const VkImportSemaphoreFdInfoKHR& info) {
  if (software_driver) ::close(info.fd);
}

enum class Index : std::size_t {
#define FERRY_ENUM(name) k##name,
  FERRY_FAILING_INSTANCE_FUNCTIONS(FERRY_ENUM) FERRY_FAILING_DEVICE_FUNCTIONS(FERRY_ENUM)
#undef FERRY_ENUM
};
#define FERRY_NAME(name) "vk" #name,
constexpr const char* kNames[] = {FERRY_FAILING_INSTANCE_FUNCTIONS(FERRY_NAME) FERRY_FAILING_DEVICE_FUNCTIONS(FERRY_NAME)};
#undef FERRY_NAME

constexpr bool is_of_instance(Index index) { return index < Index::kAllocateCommandBuffers; }
constexpr bool waits(Index index) { return index == Index::kWaitForFences || index == Index::kWaitSemaphores; }

template <Index I, class Function>
struct Trampoline;
template <Index I, class First, class... Others>
struct Trampoline<I, VkResult(VKAPI_PTR*)(First, Others...)> {
  static VkResult VKAPI_PTR call(First first, Others... others) {
    const char* name = kNames[static_cast<std::size_t>(I)];
    const VkResult wanted = injected(name);
    if constexpr (I == Index::kAllocateMemory || I == Index::kImportSemaphoreFdKHR) {
      if (wanted != VK_SUCCESS) lose_descriptor(*std::get<0>(std::tuple(others...)));
    }
    if (wanted != VK_SUCCESS && !waits(I)) return wanted;
    using Pfn = VkResult(VKAPI_PTR*)(First, Others...);
    const Pfn next = [&] {
      if constexpr (is_of_instance(I))
        return next_of_instance<Pfn>(first, name);
      else
        return next_of<Pfn>(first, name);
    }();
    const VkResult own = next(first, others...);
    return wanted != VK_SUCCESS ? wanted : own;
  }
};

VkResult VKAPI_PTR failing_create_instance(const VkInstanceCreateInfo* info, const VkAllocationCallbacks* allocator,
                                           VkInstance* instance) {
  const VkResult wanted = injected("vkCreateInstance");
  return wanted != VK_SUCCESS ? wanted : create_instance(info, allocator, instance);
}

VkResult VKAPI_PTR failing_create_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                         const VkAllocationCallbacks* allocator, VkDevice* device) {
  const VkResult wanted = injected("vkCreateDevice");
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  next_of_instance<PFN_vkGetPhysicalDeviceProperties2>(physical, "vkGetPhysicalDeviceProperties2")(physical, &properties);
  software_driver = properties.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
  return wanted != VK_SUCCESS ? wanted : create_device(physical, info, allocator, device);
}

}  // namespace

PFN_vkVoidFunction ours(const char* name) {
  const std::string_view wanted = name;
  if (wanted == "vkCreateInstance") return reinterpret_cast<PFN_vkVoidFunction>(&failing_create_instance);
  if (wanted == "vkCreateDevice") return reinterpret_cast<PFN_vkVoidFunction>(&failing_create_device);
#define FERRY_REPLACE(function) \
  if (wanted == "vk" #function) \
    return reinterpret_cast<PFN_vkVoidFunction>(&Trampoline<Index::k##function, PFN_vk##function>::call);
  FERRY_FAILING_INSTANCE_FUNCTIONS(FERRY_REPLACE)
  FERRY_FAILING_DEVICE_FUNCTIONS(FERRY_REPLACE)
#undef FERRY_REPLACE
  return nullptr;
}

}  // namespace ferry::test::layer

extern "C" {
__attribute__((visibility("default"))) void ferry_failing_arm(const char* function, int nth, VkResult result) {
  const std::lock_guard lock(ferry::test::layer::armed_mutex);
  ferry::test::layer::armed = {function, nth, result, false};
}

__attribute__((visibility("default"))) bool ferry_failing_disarm() {
  const std::lock_guard lock(ferry::test::layer::armed_mutex);
  return std::exchange(ferry::test::layer::armed, {}).fired;
}
}
