#include "platform/vulkan/drm_modifiers.h"

#include <fmt/format.h>

#include <algorithm>

#include "platform/vulkan/device_capabilities.h"
#include "platform/vulkan/image_parameters.h"
#include "proto/usage.h"

namespace ferry::platform {
namespace {

// Tiled layouts of a GPU are a handful; this is far beyond, and fits a message.
constexpr std::size_t kMaxModifiersOfFormat = 64;

std::uint32_t usage_of(VkFormatFeatureFlags features) {
  std::uint32_t usage = 0;
  if (features & VK_FORMAT_FEATURE_COLOR_ATTACHMENT_BIT) usage |= proto::kUsageRender;
  if (features & VK_FORMAT_FEATURE_SAMPLED_IMAGE_BIT) usage |= proto::kUsageSample;
  if (features & VK_FORMAT_FEATURE_STORAGE_IMAGE_BIT) usage |= proto::kUsageStorage;
  if (features & VK_FORMAT_FEATURE_TRANSFER_SRC_BIT) usage |= proto::kUsageTransferSrc;
  if (features & VK_FORMAT_FEATURE_TRANSFER_DST_BIT) usage |= proto::kUsageTransferDst;
  return usage;
}

std::vector<VkDrmFormatModifierPropertiesEXT> listed(const InstanceDispatch& vki, VkPhysicalDevice physical_device,
                                                     VkFormat format) {
  VkDrmFormatModifierPropertiesListEXT list{};
  list.sType = VK_STRUCTURE_TYPE_DRM_FORMAT_MODIFIER_PROPERTIES_LIST_EXT;
  VkFormatProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_FORMAT_PROPERTIES_2;
  properties.pNext = &list;
  vki.GetPhysicalDeviceFormatProperties2(physical_device, format, &properties);
  std::vector<VkDrmFormatModifierPropertiesEXT> modifiers(list.drmFormatModifierCount);
  list.pDrmFormatModifierProperties = modifiers.data();
  vki.GetPhysicalDeviceFormatProperties2(physical_device, format, &properties);
  modifiers.resize(std::min<std::size_t>(list.drmFormatModifierCount, kMaxModifiersOfFormat));
  return modifiers;
}

VkExternalMemoryFeatureFlags features_of(const InstanceDispatch& vki, VkPhysicalDevice physical_device,
                                         const proto::FormatInfo& format, std::uint64_t modifier) {
  const ImageParameters parameters(format, VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT, proto::kUsageAlways, 0);
  VkPhysicalDeviceImageDrmFormatModifierInfoEXT drm{};
  drm.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT;
  drm.pNext = &parameters.format_list;
  drm.drmFormatModifier = modifier;
  drm.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  VkPhysicalDeviceExternalImageFormatInfo external{};
  external.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO;
  external.pNext = &drm;
  external.handleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT;
  VkPhysicalDeviceImageFormatInfo2 info{};
  info.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2;
  info.pNext = &external;
  info.format = parameters.format();
  info.type = VK_IMAGE_TYPE_2D;
  info.tiling = VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT;
  info.usage = parameters.usage;
  info.flags = parameters.flags;
  VkExternalImageFormatProperties external_properties{};
  external_properties.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES;
  VkImageFormatProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2;
  properties.pNext = &external_properties;
  if (vki.GetPhysicalDeviceImageFormatProperties2(physical_device, &info, &properties) != VK_SUCCESS) return 0;
  return external_properties.externalMemoryProperties.externalMemoryFeatures;
}

}  // namespace

DrmModifiers query_drm_modifiers(const InstanceDispatch& vki, VkPhysicalDevice physical_device,
                                 const std::vector<VkExtensionProperties>& extensions, const std::string& driver) {
  DrmModifiers found;
  for (const char* name : {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME, VK_EXT_EXTERNAL_MEMORY_DMA_BUF_EXTENSION_NAME,
                           VK_EXT_IMAGE_DRM_FORMAT_MODIFIER_EXTENSION_NAME})
    if (!has_extension(extensions, name)) {
      found.reason = fmt::format("{} has no {}", driver, name);
      return found;
    }
  for (const proto::FormatInfo& format : proto::kFormats) {
    for (const VkDrmFormatModifierPropertiesEXT& entry :
         listed(vki, physical_device, static_cast<VkFormat>(format.vk_format))) {
      const auto usage = usage_of(entry.drmFormatModifierTilingFeatures);
      if ((usage & proto::kUsageAlways) != proto::kUsageAlways || entry.drmFormatModifierPlaneCount > kMaxPlanes) continue;
      const auto features = features_of(vki, physical_device, format, entry.drmFormatModifier);
      if ((features & VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT) == 0) continue;
      found.list.push_back({format.format, entry.drmFormatModifier, entry.drmFormatModifierPlaneCount, usage,
                            (features & VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT) != 0});
    }
  }
  if (found.list.empty())
    found.reason = fmt::format("{} imports no dma-buf in any format (vkGetPhysicalDeviceImageFormatProperties2: no "
                               "IMPORTABLE modifier)",
                               driver);
  return found;
}

const FormatModifier* find_modifier(const std::vector<FormatModifier>& list, proto::Format format,
                                    std::uint64_t modifier) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const FormatModifier& known) {
    return known.format == format && known.modifier == modifier;
  });
  return found == list.end() ? nullptr : &*found;
}

std::string modifier_name(std::uint64_t modifier) {
  if (modifier == kModifierLinear) return "LINEAR";
  if (modifier == kNoModifier) return "none";
  return fmt::format("{:#018x}", modifier);
}

}  // namespace ferry::platform
