#include "tests/support/app_device.h"

#include <dlfcn.h>

#include <cstring>
#include <stdexcept>
#include <vector>

#include "tests/support/check.h"

namespace ferry::test {
namespace {

template <class Function>
Function instance_function(const ferry_vulkan_info& info, const char* name) {
  return reinterpret_cast<Function>(info.get_instance_proc_addr(info.instance, name));
}

VkInstance create_instance(const ferry_vulkan_info& info) {
  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  create.pApplicationInfo = &application;
  VkInstance instance = VK_NULL_HANDLE;
  check_vk(instance_function<PFN_vkCreateInstance>(info, "vkCreateInstance")(&create, nullptr, &instance),
           "vkCreateInstance");
  return instance;
}

/// UUID of the device that the broker has.
std::vector<std::uint8_t> broker_device_uuid(ferry_connection* connection) {
  ferry_device_create_info create = FERRY_DEVICE_CREATE_INFO_INIT;
  create.connection = connection;
  ferry_device* device = nullptr;
  check(ferry_device_create(&create, &device), "ferry_device_create");
  ferry_device_info info{};
  info.struct_size = FERRY_DEVICE_INFO_SIZE;
  check(ferry_device_get_info(device, &info), "ferry_device_get_info");
  ferry_device_destroy(device);
  return {info.device_uuid, info.device_uuid + VK_UUID_SIZE};
}

VkPhysicalDevice find_device(const ferry_vulkan_info& info, const std::vector<std::uint8_t>& uuid) {
  const auto enumerate = instance_function<PFN_vkEnumeratePhysicalDevices>(info, "vkEnumeratePhysicalDevices");
  const auto properties = instance_function<PFN_vkGetPhysicalDeviceProperties2>(info, "vkGetPhysicalDeviceProperties2");
  std::uint32_t count = 0;
  check_vk(enumerate(info.instance, &count, nullptr), "vkEnumeratePhysicalDevices");
  std::vector<VkPhysicalDevice> devices(count);
  check_vk(enumerate(info.instance, &count, devices.data()), "vkEnumeratePhysicalDevices");
  for (const VkPhysicalDevice device : devices) {
    VkPhysicalDeviceIDProperties ids{};
    ids.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES;
    VkPhysicalDeviceProperties2 all{};
    all.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
    all.pNext = &ids;
    properties(device, &all);
    if (std::memcmp(ids.deviceUUID, uuid.data(), VK_UUID_SIZE) == 0) return device;
  }
  throw std::runtime_error("no physical device has the UUID of the broker's");
}

std::uint32_t graphics_family(const ferry_vulkan_info& info) {
  const auto properties =
      instance_function<PFN_vkGetPhysicalDeviceQueueFamilyProperties>(info, "vkGetPhysicalDeviceQueueFamilyProperties");
  std::uint32_t count = 0;
  properties(info.physical_device, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  properties(info.physical_device, &count, families.data());
  for (std::uint32_t i = 0; i < count; ++i)
    if ((families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT) != 0) return i;
  throw std::runtime_error("no queue family with graphics");
}

VkDevice create_device(const ferry_vulkan_info& info) {
  ferry_vulkan_requirements needed = FERRY_VULKAN_REQUIREMENTS_INIT;
  check(ferry_get_vulkan_requirements(&info, &needed), "ferry_get_vulkan_requirements");
  const float priority = 1;
  VkDeviceQueueCreateInfo queue{};
  queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
  queue.queueFamilyIndex = info.queue_family_index;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceVulkan12Features features{};
  features.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES;
  features.timelineSemaphore = needed.timeline_semaphore;
  VkDeviceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
  create.pNext = &features;
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  create.enabledExtensionCount = needed.device_extension_count;
  create.ppEnabledExtensionNames = needed.device_extensions;
  VkDevice device = VK_NULL_HANDLE;
  check_vk(
      instance_function<PFN_vkCreateDevice>(info, "vkCreateDevice")(info.physical_device, &create, nullptr, &device),
      "vkCreateDevice");
  return device;
}

}  // namespace

AppDevice::AppDevice(ferry_connection* connection) : library_(::dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL)) {
  if (library_ == nullptr) throw std::runtime_error("no libvulkan.so.1");
  info_.get_instance_proc_addr =
      reinterpret_cast<PFN_vkGetInstanceProcAddr>(::dlsym(library_, "vkGetInstanceProcAddr"));
  info_.instance = create_instance(info_);
  info_.physical_device = find_device(info_, broker_device_uuid(connection));
  info_.queue_family_index = graphics_family(info_);
  info_.device = create_device(info_);
  VkQueue queue = VK_NULL_HANDLE;
  instance_function<PFN_vkGetDeviceQueue>(info_, "vkGetDeviceQueue")(info_.device, info_.queue_family_index, 0, &queue);
  gpu_ = std::make_unique<Gpu>(info_, queue);
}

AppDevice::~AppDevice() {
  gpu_->DeviceWaitIdle(info_.device);
  instance_function<PFN_vkDestroyDevice>(info_, "vkDestroyDevice")(info_.device, nullptr);
  instance_function<PFN_vkDestroyInstance>(info_, "vkDestroyInstance")(info_.instance, nullptr);
  ::dlclose(library_);
}

}  // namespace ferry::test
