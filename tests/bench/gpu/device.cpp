#include "tests/bench/gpu/device.h"

#include <cstring>
#include <optional>
#include <stdexcept>
#include <vector>

namespace ferry::bench {
namespace {

/// Of what crosses process boundaries, as much as the device has.
std::vector<const char*> external_extensions(vk::PhysicalDevice device) {
  std::vector<const char*> found;
  const auto all = device.enumerateDeviceExtensionProperties();
  for (const char* wanted : {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME})
    for (const auto& extension : all)
      if (std::strcmp(extension.extensionName, wanted) == 0) found.push_back(wanted);
  return found;
}

std::optional<std::uint32_t> family_of(vk::PhysicalDevice device, vk::QueueFlags wanted, vk::QueueFlags unwanted) {
  const auto families = device.getQueueFamilyProperties();
  for (std::uint32_t i = 0; i < families.size(); ++i)
    if ((families[i].queueFlags & wanted) == wanted && !(families[i].queueFlags & unwanted)) return i;
  return std::nullopt;
}

std::optional<std::uint32_t> second_family(vk::PhysicalDevice device, const std::string& kind) {
  using Flag = vk::QueueFlagBits;
  if (kind == "transfer") return family_of(device, Flag::eTransfer, Flag::eGraphics | Flag::eCompute);
  if (kind == "compute") return family_of(device, Flag::eCompute, Flag::eGraphics);
  throw std::runtime_error("no kind of queue: " + kind);
}

vk::QueueGlobalPriorityKHR priority_of(const std::string& name) {
  if (name == "low") return vk::QueueGlobalPriorityKHR::eLow;
  if (name == "medium") return vk::QueueGlobalPriorityKHR::eMedium;
  if (name == "high") return vk::QueueGlobalPriorityKHR::eHigh;
  if (name == "realtime") return vk::QueueGlobalPriorityKHR::eRealtime;
  throw std::runtime_error("no priority: " + name);
}

bool can_export_timelines(vk::PhysicalDevice device) {
  const vk::SemaphoreTypeCreateInfo type(vk::SemaphoreType::eTimeline);
  const vk::PhysicalDeviceExternalSemaphoreInfo info(vk::ExternalSemaphoreHandleTypeFlagBits::eOpaqueFd, &type);
  const auto both =
      vk::ExternalSemaphoreFeatureFlagBits::eExportable | vk::ExternalSemaphoreFeatureFlagBits::eImportable;
  return (device.getExternalSemaphoreProperties(info).externalSemaphoreFeatures & both) == both;
}

}  // namespace

Device::Device(const DeviceOptions& options) {
  const vk::ApplicationInfo application("ferry bench", 1, nullptr, 0, VK_API_VERSION_1_2);
  instance_ = vk::createInstanceUnique({{}, &application});
  for (const vk::PhysicalDevice device : instance_->enumeratePhysicalDevices())
    if (!physical_ || (is_software() && device.getProperties().deviceType != vk::PhysicalDeviceType::eCpu))
      physical_ = device;
  if (!physical_) throw std::runtime_error("no Vulkan device");
  exports_timelines_ = can_export_timelines(physical_);

  const auto graphics = family_of(physical_, vk::QueueFlagBits::eGraphics | vk::QueueFlagBits::eCompute, {});
  if (!graphics) throw std::runtime_error("no queue for graphics and compute on " + name());
  family_ = *graphics;
  std::optional<std::uint32_t> second;
  if (!options.second_queue.empty()) {
    second = second_family(physical_, options.second_queue);
    if (!second) throw std::runtime_error("no queue for " + options.second_queue + " alone on " + name());
  }

  const float weight = 1;
  std::vector<const char*> extensions = external_extensions(physical_);
  vk::DeviceQueueGlobalPriorityCreateInfoKHR global;
  std::vector<vk::DeviceQueueCreateInfo> queues{{{}, family_, 1, &weight}};
  if (second) queues.push_back({{}, *second, 1, &weight});
  if (!options.priority.empty()) {
    global.globalPriority = priority_of(options.priority);
    for (auto& queue : queues) queue.pNext = &global;
    extensions.push_back(VK_KHR_GLOBAL_PRIORITY_EXTENSION_NAME);
  }
  vk::PhysicalDeviceVulkan12Features features;
  features.timelineSemaphore = VK_TRUE;
  const auto chain = physical_.getFeatures2<vk::PhysicalDeviceFeatures2, vk::PhysicalDeviceVulkan12Features>();
  features.hostQueryReset = chain.get<vk::PhysicalDeviceVulkan12Features>().hostQueryReset;
  resets_queries_ = features.hostQueryReset == VK_TRUE;
  device_ = physical_.createDeviceUnique(vk::DeviceCreateInfo({}, queues, {}, extensions, nullptr, &features));

  const auto use = [&](std::uint32_t family) {
    ferry_vulkan_info info = FERRY_VULKAN_INFO_INIT;
    info.instance = *instance_;
    info.physical_device = physical_;
    info.device = *device_;
    info.queue_family_index = family;
    info.get_instance_proc_addr = vkGetInstanceProcAddr;
    return std::make_unique<test::Gpu>(info, device_->getQueue(family, 0));
  };
  gpu_ = use(family_);
  if (second) second_ = use(*second);
}

ferry_vulkan_info Device::ferry_info(const test::Gpu& gpu) const {
  ferry_vulkan_info info = FERRY_VULKAN_INFO_INIT;
  info.instance = *instance_;
  info.physical_device = physical_;
  info.device = *device_;
  info.queue_family_index = gpu.queue_family_index();
  info.get_instance_proc_addr = vkGetInstanceProcAddr;
  return info;
}

std::string Device::name() const { return physical_.getProperties().deviceName; }

std::string Device::driver() const {
  const auto chain = physical_.getProperties2<vk::PhysicalDeviceProperties2, vk::PhysicalDeviceDriverProperties>();
  const auto& driver = chain.get<vk::PhysicalDeviceDriverProperties>();
  return std::string(driver.driverName) + " " + std::string(driver.driverInfo);
}

}  // namespace ferry::bench
