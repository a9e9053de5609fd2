// A Vulkan layer with which any driver exports and imports timeline semaphores, in form: what is exported is an empty
// memfd, and what is imported is a timeline of its own. It lets Ferry make the calls, where a software driver has none to
// be called, and carries no value from one to the other. Of a driver that shares timelines by itself it changes nothing.

#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <map>
#include <mutex>
#include <string_view>
#include <utility>

#include "tests/support/layers/layer_chain.h"
#include "tests/support/layers/semaphore_fds.h"

namespace ferry::test::layer {
namespace {

constexpr auto kHandleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT;
constexpr auto kBothWays = VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;

std::mutex mutex;
std::map<void*, bool> can_by_itself;  // the driver of a device, by key_of()

void driver_properties(VkPhysicalDevice device, const VkPhysicalDeviceExternalSemaphoreInfo* info,
                       VkExternalSemaphoreProperties* properties) {
  constexpr const char* kName = "vkGetPhysicalDeviceExternalSemaphoreProperties";
  next_of_instance<PFN_vkGetPhysicalDeviceExternalSemaphoreProperties>(device, kName)(device, info, properties);
}

bool is_timeline(const void* chain) {
  const auto* type = find<VkSemaphoreTypeCreateInfo>(chain, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  return type != nullptr && type->semaphoreType == VK_SEMAPHORE_TYPE_TIMELINE;
}

bool driver_shares_timelines(VkPhysicalDevice device) {
  VkSemaphoreTypeCreateInfo type{};
  type.sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO;
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  VkPhysicalDeviceExternalSemaphoreInfo info{};
  info.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO;
  info.pNext = &type;
  info.handleType = kHandleType;
  VkExternalSemaphoreProperties properties{};
  properties.sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES;
  driver_properties(device, &info, &properties);
  return (properties.externalSemaphoreFeatures & kBothWays) == kBothWays;
}

bool is_ours(VkDevice device, VkExternalSemaphoreHandleTypeFlags type) {
  const std::lock_guard lock(mutex);
  return type == kHandleType && !can_by_itself[key_of(device)];
}

void VKAPI_CALL semaphore_properties(VkPhysicalDevice device, const VkPhysicalDeviceExternalSemaphoreInfo* info,
                                     VkExternalSemaphoreProperties* properties) {
  driver_properties(device, info, properties);
  if (info->handleType != kHandleType || !is_timeline(info->pNext)) return;
  properties->externalSemaphoreFeatures = kBothWays;
  properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = kHandleType;
}

VkResult VKAPI_CALL create_timelines_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                            const VkAllocationCallbacks* allocator, VkDevice* device) {
  const VkResult result = create_device_with_semaphore_fds(physical, info, allocator, device);
  if (result != VK_SUCCESS) return result;
  const bool can = driver_shares_timelines(physical);
  const std::lock_guard lock(mutex);
  can_by_itself[key_of(*device)] = can;
  return result;
}

/// The driver makes one that is not exported.
VkResult VKAPI_CALL create_semaphore(VkDevice device, const VkSemaphoreCreateInfo* info,
                                     const VkAllocationCallbacks* allocator, VkSemaphore* semaphore) {
  const auto* exported = find<VkExportSemaphoreCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
  const auto* type = find<VkSemaphoreTypeCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  VkSemaphoreCreateInfo plain = *info;
  VkSemaphoreTypeCreateInfo timeline{};
  if (exported != nullptr && is_timeline(info->pNext) && is_ours(device, exported->handleTypes)) {
    timeline = *type;
    timeline.pNext = nullptr;
    plain.pNext = &timeline;
  }
  return next_of<PFN_vkCreateSemaphore>(device, "vkCreateSemaphore")(device, &plain, allocator, semaphore);
}

VkResult VKAPI_CALL get_semaphore_fd(VkDevice device, const VkSemaphoreGetFdInfoKHR* info, int* fd) {
  if (!is_ours(device, info->handleType)) {
    const auto next = next_of<PFN_vkGetSemaphoreFdKHR>(device, "vkGetSemaphoreFdKHR");
    return next != nullptr ? next(device, info, fd) : VK_ERROR_INITIALIZATION_FAILED;
  }
  *fd = ::memfd_create("timeline", MFD_CLOEXEC);
  return *fd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
}

VkResult VKAPI_CALL import_semaphore_fd(VkDevice device, const VkImportSemaphoreFdInfoKHR* info) {
  if (!is_ours(device, info->handleType)) {
    const auto next = next_of<PFN_vkImportSemaphoreFdKHR>(device, "vkImportSemaphoreFdKHR");
    return next != nullptr ? next(device, info) : VK_ERROR_INVALID_EXTERNAL_HANDLE;
  }
  ::close(info->fd);
  return VK_SUCCESS;
}

}  // namespace

bool gives(const char* name) {
  const std::string_view wanted = name;
  return wanted == "vkGetSemaphoreFdKHR" || wanted == "vkImportSemaphoreFdKHR";
}

PFN_vkVoidFunction ours(const char* name) {
  const std::pair<const char*, PFN_vkVoidFunction> all[] = {
      {"vkGetPhysicalDeviceExternalSemaphoreProperties", reinterpret_cast<PFN_vkVoidFunction>(&semaphore_properties)},
      {"vkEnumerateDeviceExtensionProperties", reinterpret_cast<PFN_vkVoidFunction>(&extensions_with_semaphore_fds)},
      {"vkCreateDevice", reinterpret_cast<PFN_vkVoidFunction>(&create_timelines_device)},
      {"vkCreateSemaphore", reinterpret_cast<PFN_vkVoidFunction>(&create_semaphore)},
      {"vkGetSemaphoreFdKHR", reinterpret_cast<PFN_vkVoidFunction>(&get_semaphore_fd)},
      {"vkImportSemaphoreFdKHR", reinterpret_cast<PFN_vkVoidFunction>(&import_semaphore_fd)}};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace ferry::test::layer
