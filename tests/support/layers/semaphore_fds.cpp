#include "tests/support/layers/semaphore_fds.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "tests/support/layers/layer_chain.h"

namespace ferry::test::layer {
namespace {

constexpr std::string_view kExtension = VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME;

bool has_extension(VkPhysicalDevice device) {
  const auto next = next_of_instance<PFN_vkEnumerateDeviceExtensionProperties>(device, "vkEnumerateDeviceExtensionProperties");
  std::uint32_t count = 0;
  next(device, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> all(count);
  next(device, nullptr, &count, all.data());
  return std::any_of(all.begin(), all.end(), [](const auto& extension) { return extension.extensionName == kExtension; });
}

}  // namespace

VkResult VKAPI_CALL extensions_with_semaphore_fds(VkPhysicalDevice device, const char* layer_name, std::uint32_t* count,
                                                  VkExtensionProperties* properties) {
  const auto next = next_of_instance<PFN_vkEnumerateDeviceExtensionProperties>(device, "vkEnumerateDeviceExtensionProperties");
  if (layer_name != nullptr || has_extension(device)) return next(device, layer_name, count, properties);
  std::uint32_t known = 0;
  VkResult result = next(device, nullptr, &known, nullptr);
  if (result != VK_SUCCESS) return result;
  std::vector<VkExtensionProperties> all(known);
  result = next(device, nullptr, &known, all.data());
  if (result != VK_SUCCESS) return result;
  VkExtensionProperties ours{};
  kExtension.copy(ours.extensionName, kExtension.size());
  ours.specVersion = 1;
  all.push_back(ours);
  const auto room = static_cast<std::uint32_t>(all.size());
  if (properties != nullptr) std::copy_n(all.begin(), std::min(*count, room), properties);
  result = properties != nullptr && *count < room ? VK_INCOMPLETE : VK_SUCCESS;
  *count = properties != nullptr ? std::min(*count, room) : room;
  return result;
}

VkResult VKAPI_CALL create_device_with_semaphore_fds(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                                     const VkAllocationCallbacks* allocator, VkDevice* device) {
  VkDeviceCreateInfo known = *info;
  std::vector<const char*> extensions(info->ppEnabledExtensionNames,
                                      info->ppEnabledExtensionNames + info->enabledExtensionCount);
  if (!has_extension(physical)) std::erase_if(extensions, [](const char* name) { return name == kExtension; });
  known.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  known.ppEnabledExtensionNames = extensions.data();
  return create_device(physical, &known, allocator, device);
}

}  // namespace ferry::test::layer
