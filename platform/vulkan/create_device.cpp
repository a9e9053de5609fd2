// Devices of Ferry's own: the broker's, and those of programs that have none.

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "platform/vulkan/device_capabilities.h"
#include "platform/vulkan/device_features.h"
#include "platform/vulkan/device_selector.h"
#include "platform/vulkan/instance.h"
#include "platform/vulkan/queue_family.h"
#include "platform/vulkan/vk_error.h"
#include "platform/vulkan/vulkan_device.h"

namespace ferry::platform {
namespace {

/// A device that goes with its context. Its queue must be idle by then.
struct OwnedContext final : DeviceContext {
  explicit OwnedContext(std::unique_ptr<OwnedInstance> its_instance) : instance(std::move(its_instance)) {}
  ~OwnedContext() override {
    if (vkd.DestroyDevice != nullptr) vkd.DestroyDevice(handles.device, nullptr);
  }
  std::unique_ptr<OwnedInstance> instance;
};

struct PhysicalDevices {
  std::vector<VkPhysicalDevice> handles;  ///< best first
  std::vector<DeviceCapabilities> capabilities;
};

VkPhysicalDeviceProperties properties_of(const InstanceDispatch& vki, VkPhysicalDevice device) {
  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  vki.GetPhysicalDeviceProperties2(device, &properties);
  return properties.properties;
}

proto::Result<PhysicalDevices> physical_devices(const OwnedInstance& instance) {
  const InstanceDispatch& vki = instance.vki();
  std::uint32_t count = 0;
  if (const VkResult result = vki.EnumeratePhysicalDevices(instance.get(), &count, nullptr); result != VK_SUCCESS)
    return vk_error(result, "vkEnumeratePhysicalDevices");
  PhysicalDevices devices;
  devices.handles.resize(count);
  if (const VkResult result = vki.EnumeratePhysicalDevices(instance.get(), &count, devices.handles.data()); result < 0)
    return vk_error(result, "vkEnumeratePhysicalDevices");
  devices.handles.resize(count);
  std::stable_sort(devices.handles.begin(), devices.handles.end(), [&](VkPhysicalDevice a, VkPhysicalDevice b) {
    return device_rank(properties_of(vki, a).deviceType) < device_rank(properties_of(vki, b).deviceType);
  });
  for (VkPhysicalDevice device : devices.handles) devices.capabilities.push_back(query_capabilities(vki, device));
  return devices;
}

proto::Result<std::vector<const char*>> extensions_to_enable(const InstanceDispatch& vki, VkPhysicalDevice device,
                                                             const DeviceCapabilities& capabilities,
                                                             const std::vector<const char*>& asked_for) {
  auto wanted = wanted_extensions(vki, device, capabilities);
  if (!wanted) return std::move(wanted).error();
  std::vector<const char*> enabled = std::move(wanted->extensions);
  const auto available = device_extensions(vki, device);
  for (const char* name : asked_for) {
    if (!has_extension(available, name))
      return proto::Error{proto::ErrorCode::kUnsupported,
                          fmt::format("device '{}' has no extension {}", capabilities.name, name)};
    const bool is_listed =
        std::any_of(enabled.begin(), enabled.end(), [name](const char* e) { return std::string_view(e) == name; });
    if (!is_listed) enabled.push_back(name);
  }
  return enabled;
}

proto::Result<VkDevice> create_vk_device(const OwnedInstance& instance, VkPhysicalDevice physical_device,
                                         std::uint32_t queue_family_index, std::uint32_t queue_count,
                                         const std::vector<const char*>& extensions, const void* more_features) {
  const float priorities[] = {1.0F, 1.0F};
  VkDeviceQueueCreateInfo queue_info{};
  queue_info.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue_info.queueFamilyIndex = queue_family_index;
  queue_info.queueCount = queue_count;
  queue_info.pQueuePriorities = priorities;
  auto features = DeviceFeatures::choose(instance.vki(), physical_device, instance.api_version(), more_features);
  if (!features) return std::move(features).error();
  VkDeviceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  info.pNext = (*features)->next();
  info.queueCreateInfoCount = 1;
  info.pQueueCreateInfos = &queue_info;
  info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  info.ppEnabledExtensionNames = extensions.data();
  VkDevice device = VK_NULL_HANDLE;
  if (const VkResult result = instance.vki().CreateDevice(physical_device, &info, nullptr, &device);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateDevice");
  return device;
}

}  // namespace

proto::Result<std::unique_ptr<VulkanDevice>> create_device(const DeviceChoice& choice) {
  auto instance = OwnedInstance::create(choice.instance_extensions, choice.enable_validation);
  if (!instance) return std::move(instance).error();
  const InstanceDispatch& vki = (*instance)->vki();
  auto devices = physical_devices(**instance);
  if (!devices) return std::move(devices).error();
  const auto selected = select_device(devices->capabilities, choice.selector);
  if (!selected) return no_such_device(devices->capabilities, choice.selector);
  const VkPhysicalDevice physical_device = devices->handles[*selected];
  const DeviceCapabilities& capabilities = devices->capabilities[*selected];

  auto extensions = extensions_to_enable(vki, physical_device, capabilities, choice.device_extensions);
  if (!extensions) return std::move(extensions).error();
  auto queue_family_index = choose_queue_family(vki, physical_device, capabilities.name);
  if (!queue_family_index) return std::move(queue_family_index).error();
  const bool has_spare =
      choice.spare_queue && capabilities.sync_fd && queues_of(vki, physical_device, *queue_family_index) > 1;
  auto device = create_vk_device(**instance, physical_device, *queue_family_index, has_spare ? 2 : 1, *extensions,
                                 choice.features);
  if (!device) return std::move(device).error();

  auto context = std::make_shared<OwnedContext>(std::move(*instance));
  context->handles = {context->instance->get(), physical_device, *device, *queue_family_index,
                      context->instance->get_instance_proc_addr()};
  context->destroy_device_of(context->instance->vki());
  if (auto completed = complete_context(*context); !completed) return std::move(completed).error();
  VkQueue queue = VK_NULL_HANDLE, spare_queue = VK_NULL_HANDLE;
  context->vkd.GetDeviceQueue(*device, *queue_family_index, 0, &queue);
  if (has_spare) context->vkd.GetDeviceQueue(*device, *queue_family_index, 1, &spare_queue);
  const auto* validation_errors = &context->instance->validation_errors();
  return make_vulkan_device(std::move(context), queue, spare_queue, validation_errors);
}

proto::Result<std::vector<DeviceCapabilities>> enumerate_devices() {
  auto instance = OwnedInstance::create({}, false);
  if (!instance) return std::move(instance).error();
  auto devices = physical_devices(**instance);
  if (!devices) return std::move(devices).error();
  return std::move(devices->capabilities);
}

}  // namespace ferry::platform
