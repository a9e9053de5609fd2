#include "platform/vulkan/device_features.h"

#include <algorithm>

namespace ferry::platform {
namespace {

/// What a chain says of one feature that it may turn on.
enum class Said : std::uint8_t { kNothing, kOff, kOn };

template <class Struct>
Said said(const VkBaseInStructure* in, VkBool32 Struct::* feature) {
  return reinterpret_cast<const Struct*>(in)->*feature != VK_FALSE ? Said::kOn : Said::kOff;
}

struct Asked {
  Said timeline = Said::kNothing, rendering = Said::kNothing, conversion = Said::kNothing;
  bool has_core = false;
};

Asked look_through(const void* chain) {
  Asked asked;
  for (const auto* in = static_cast<const VkBaseInStructure*>(chain); in != nullptr; in = in->pNext) {
    switch (in->sType) {
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2:
        asked.has_core = true;
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES:
        asked.conversion = said(in, &VkPhysicalDeviceVulkan11Features::samplerYcbcrConversion);
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES:
        asked.conversion = said(in, &VkPhysicalDeviceSamplerYcbcrConversionFeatures::samplerYcbcrConversion);
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES:
        asked.timeline = said(in, &VkPhysicalDeviceVulkan12Features::timelineSemaphore);
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES:
        asked.timeline = said(in, &VkPhysicalDeviceTimelineSemaphoreFeatures::timelineSemaphore);
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES:
        asked.rendering = said(in, &VkPhysicalDeviceVulkan13Features::dynamicRendering);
        break;
      case VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES:
        asked.rendering = said(in, &VkPhysicalDeviceDynamicRenderingFeatures::dynamicRendering);
        break;
      default:
        break;
    }
  }
  return asked;
}

}  // namespace

/// Before everything that is in the chain already.
template <class Struct>
void DeviceFeatures::put(Struct& before) {
  before.pNext = const_cast<void*>(next_);  // Vulkan reads it only
  next_ = &before;
}

proto::Result<std::unique_ptr<DeviceFeatures>> DeviceFeatures::choose(const InstanceDispatch& vki, VkPhysicalDevice device,
                                                                      std::uint32_t instance_version, const void* chain) {
  const Asked asked = look_through(chain);
  if (asked.timeline == Said::kOff)
    return proto::Error{proto::ErrorCode::kInvalidArgument,
                        "the features to enable say that timelineSemaphore is VK_FALSE: Ferry cannot do without it"};

  VkPhysicalDeviceProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2;
  vki.GetPhysicalDeviceProperties2(device, &properties);
  const bool has_13 = std::min(instance_version, properties.properties.apiVersion) >= VK_API_VERSION_1_3;
  VkPhysicalDeviceDynamicRenderingFeatures rendering{};
  rendering.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES;
  VkPhysicalDeviceSamplerYcbcrConversionFeatures conversion{};
  conversion.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES;
  if (has_13) conversion.pNext = &rendering;
  VkPhysicalDeviceFeatures2 available{};
  available.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
  available.pNext = &conversion;
  vki.GetPhysicalDeviceFeatures2(device, &available);

  std::unique_ptr<DeviceFeatures> features(new DeviceFeatures);
  features->next_ = chain;
  // A struct for each feature, not one for each version: a chain with both is invalid, and the caller's may have either.
  if (asked.timeline == Said::kNothing) {
    features->timeline_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    features->timeline_.timelineSemaphore = VK_TRUE;  // every Vulkan 1.2 device has it
    features->put(features->timeline_);
  }
  // Not synchronization2: with it, validation layers of 1.3.239 take a barrier between equal layouts for none, and miss
  // that it brings an image in from another process for sampling.
  if (asked.rendering == Said::kNothing && rendering.dynamicRendering != VK_FALSE) {
    features->rendering_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DYNAMIC_RENDERING_FEATURES;
    features->rendering_.dynamicRendering = VK_TRUE;
    features->put(features->rendering_);
  }
  if (asked.conversion == Said::kNothing && conversion.samplerYcbcrConversion != VK_FALSE) {
    features->conversion_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SAMPLER_YCBCR_CONVERSION_FEATURES;
    features->conversion_.samplerYcbcrConversion = VK_TRUE;
    features->put(features->conversion_);
  }
  if (!asked.has_core) {
    features->core_.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2;
    features->core_.features.samplerAnisotropy = available.features.samplerAnisotropy;
    features->put(features->core_);
  }
  return features;
}

}  // namespace ferry::platform
