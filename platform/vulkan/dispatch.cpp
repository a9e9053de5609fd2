#include "platform/vulkan/dispatch.h"

#include <fmt/format.h>

namespace ferry::platform {
namespace {

proto::Error missing(const char* function, const char* object) {
  return {proto::ErrorCode::kUnsupported,
          fmt::format("{} is not available on this {}: Ferry needs Vulkan 1.2 (VkApplicationInfo::apiVersion)",
                      function, object)};
}

}  // namespace

proto::Result<InstanceDispatch> load_instance_dispatch(VkInstance instance,
                                                       PFN_vkGetInstanceProcAddr get_instance_proc_addr) {
  InstanceDispatch vki;
#define FERRY_VK_LOAD(name)                                                                \
  vki.name = reinterpret_cast<PFN_vk##name>(get_instance_proc_addr(instance, "vk" #name)); \
  if (vki.name == nullptr) return missing("vk" #name, "VkInstance");
  FERRY_VK_INSTANCE_FUNCTIONS(FERRY_VK_LOAD)
#undef FERRY_VK_LOAD
  return vki;
}

proto::Result<DeviceDispatch> load_device_dispatch(const InstanceDispatch& vki, VkDevice device) {
  DeviceDispatch vkd;
#define FERRY_VK_LOAD(name) vkd.name = reinterpret_cast<PFN_vk##name>(vki.GetDeviceProcAddr(device, "vk" #name));
#define FERRY_VK_LOAD_REQUIRED(name) \
  FERRY_VK_LOAD(name)                \
  if (vkd.name == nullptr) return missing("vk" #name, "VkDevice");
  FERRY_VK_DEVICE_FUNCTIONS(FERRY_VK_LOAD_REQUIRED)
  FERRY_VK_OPTIONAL_DEVICE_FUNCTIONS(FERRY_VK_LOAD)
#undef FERRY_VK_LOAD_REQUIRED
#undef FERRY_VK_LOAD
  return vkd;
}

}  // namespace ferry::platform
