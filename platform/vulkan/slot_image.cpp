#include "platform/vulkan/slot_image.h"

#include <fmt/format.h>

#include <array>
#include <tuple>
#include <utility>

#include "platform/vulkan/image_parameters.h"
#include "platform/vulkan/vk_error.h"
#include "proto/image_rules.h"
#include "proto/limits.h"
#include "proto/usage.h"

namespace ferry::platform {
namespace {

/// What an image's memory crosses by, and the modifier that is asked about (dma-buf).
struct Sharing {
  VkExternalMemoryHandleTypeFlagBits handle_type = VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT;
  std::uint64_t modifier = kNoModifier;
  VkExternalMemoryFeatureFlags features =
      VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT;

  bool is_dma_buf() const { return handle_type == VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT; }
  VkImageTiling tiling() const {
    return is_dma_buf() ? VK_IMAGE_TILING_DRM_FORMAT_MODIFIER_EXT : VK_IMAGE_TILING_OPTIMAL;
  }
};

std::string usage_names(std::uint32_t usage) {
  constexpr std::array<std::pair<std::uint32_t, const char*>, 5> kNames{{{proto::kUsageRender, "render"},
                                                                         {proto::kUsageSample, "sample"},
                                                                         {proto::kUsageStorage, "storage"},
                                                                         {proto::kUsageTransferSrc, "transfer-src"},
                                                                         {proto::kUsageTransferDst, "transfer-dst"}}};
  std::string text;
  for (const auto& [bit, name] : kNames)
    if ((usage | proto::kUsageAlways) & bit) text += (text.empty() ? "" : "+") + std::string(name);
  return text;
}

proto::Error invalid(std::string message) { return {proto::ErrorCode::kInvalidArgument, std::move(message)}; }

proto::Result<void> check(const DeviceContext& context, const TextureDesc& desc, const Sharing& sharing) {
  if (auto checked = check_texture_desc(desc); !checked) return checked;
  const auto& format = proto::format_info(desc.format);
  const ImageParameters parameters(format, sharing.tiling(), desc.usage, desc.flags);
  const std::string& device = context.capabilities.name;

  VkPhysicalDeviceImageDrmFormatModifierInfoEXT drm{};
  drm.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_DRM_FORMAT_MODIFIER_INFO_EXT;
  drm.pNext = &parameters.format_list;
  drm.drmFormatModifier = sharing.modifier;
  drm.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  VkPhysicalDeviceExternalImageFormatInfo external{};
  external.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_IMAGE_FORMAT_INFO;
  external.pNext = sharing.is_dma_buf() ? static_cast<const void*>(&drm) : &parameters.format_list;
  external.handleType = sharing.handle_type;
  VkPhysicalDeviceImageFormatInfo2 info{};
  info.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_IMAGE_FORMAT_INFO_2;
  info.pNext = &external;
  info.format = parameters.format();
  info.type = VK_IMAGE_TYPE_2D;
  info.tiling = sharing.tiling();
  info.usage = parameters.usage;
  info.flags = parameters.flags;
  VkExternalImageFormatProperties external_properties{};
  external_properties.sType = VK_STRUCTURE_TYPE_EXTERNAL_IMAGE_FORMAT_PROPERTIES;
  VkImageFormatProperties2 properties{};
  properties.sType = VK_STRUCTURE_TYPE_IMAGE_FORMAT_PROPERTIES_2;
  properties.pNext = &external_properties;
  const VkResult result =
      context.vki.GetPhysicalDeviceImageFormatProperties2(context.handles.physical_device, &info, &properties);
  if (result == VK_ERROR_FORMAT_NOT_SUPPORTED)
    return invalid(fmt::format("device '{}' does not support format {} with usage {}", device, format.name,
                               usage_names(desc.usage)));
  if (result != VK_SUCCESS) return vk_error(result, "vkGetPhysicalDeviceImageFormatProperties2", device);

  if ((external_properties.externalMemoryProperties.externalMemoryFeatures & sharing.features) != sharing.features)
    return proto::Error{proto::ErrorCode::kUnsupported,
                        fmt::format("device '{}' cannot share images of format {} as {}", device, format.name,
                                    sharing.is_dma_buf()
                                        ? fmt::format("dma-bufs of modifier {}", modifier_name(sharing.modifier))
                                        : std::string("opaque fds"))};

  const VkImageFormatProperties& limits = properties.imageFormatProperties;
  for (const auto& [name, value, limit] : {std::tuple{"width", desc.width_px, limits.maxExtent.width},
                                           std::tuple{"height", desc.height_px, limits.maxExtent.height}})
    if (value > limit)
      return invalid(fmt::format("{} {} px exceeds the limit {} px of device '{}' for format {}", name, value, limit,
                                 device, format.name));
  const std::uint64_t size_bytes = format.image_bytes(desc.width_px, desc.height_px);
  if (size_bytes > limits.maxResourceSize)
    return invalid(fmt::format("{} takes {} bytes, which exceeds the limit {} bytes of device '{}'", describe(desc),
                               size_bytes, limits.maxResourceSize, device));
  return {};
}

proto::Result<SlotImage> create(const DeviceContext& context, const TextureDesc& desc, const Sharing& sharing,
                                const void* tiling_info) {
  ImageParameters parameters(proto::format_info(desc.format), sharing.tiling(), desc.usage, desc.flags);
  parameters.format_list.pNext = tiling_info;
  VkExternalMemoryImageCreateInfo external{};
  external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_IMAGE_CREATE_INFO;
  external.pNext = &parameters.format_list;
  external.handleTypes = sharing.handle_type;
  VkImageCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_IMAGE_CREATE_INFO;
  info.pNext = &external;
  info.flags = parameters.flags;
  info.imageType = VK_IMAGE_TYPE_2D;
  info.format = parameters.format();
  info.extent = {desc.width_px, desc.height_px, 1};
  info.mipLevels = 1;
  info.arrayLayers = 1;
  info.samples = VK_SAMPLE_COUNT_1_BIT;
  info.tiling = sharing.tiling();
  info.usage = parameters.usage;
  info.sharingMode = VK_SHARING_MODE_EXCLUSIVE;
  info.initialLayout = VK_IMAGE_LAYOUT_UNDEFINED;

  VkImage image = VK_NULL_HANDLE;
  if (const VkResult result = context.vkd.CreateImage(context.handles.device, &info, nullptr, &image);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateImage", describe(desc));
  SlotImage slot;
  slot.image = UniqueImage(context, image);
  context.vkd.GetImageMemoryRequirements(context.handles.device, image, &slot.requirements);
  return slot;
}

}  // namespace

proto::Result<void> check_texture_desc(const TextureDesc& desc) {
  const auto* format = proto::find_format(static_cast<std::uint32_t>(desc.format));
  if (format == nullptr)
    return invalid(fmt::format("format {} is none of Ferry's formats", static_cast<std::uint32_t>(desc.format)));
  for (const auto& [name, value] : {std::pair{"width", desc.width_px}, std::pair{"height", desc.height_px}})
    if (value == 0 || value > proto::kMaxExtentPx)
      return invalid(fmt::format("{} {} px is not between 1 and the limit {} px", name, value, proto::kMaxExtentPx));
  if (desc.usage & ~proto::kUsageAll) return invalid(fmt::format("usage {:#x} has unknown bits", desc.usage));
  if (desc.flags & ~proto::kImageFlagsAll)
    return invalid(fmt::format("image flags {:#x} have unknown bits", desc.flags));
  return proto::check_image_rules(*format, desc.width_px, desc.height_px, desc.usage, desc.flags);
}

std::string describe(const TextureDesc& desc) {
  return fmt::format("{}x{} {}", desc.width_px, desc.height_px, proto::format_info(desc.format).name);
}

proto::Result<void> check_slot_image(const DeviceContext& context, const TextureDesc& desc) {
  return check(context, desc, {});
}

proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc) {
  if (auto checked = check(context, desc, {}); !checked) return std::move(checked).error();
  return create(context, desc, {}, nullptr);
}

proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc,
                                           std::span<const std::uint64_t> modifiers) {
  Sharing sharing{VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT};
  std::vector<std::uint64_t> possible;
  proto::Error why_not = invalid("no modifier is given for a dma-buf");
  for (const std::uint64_t modifier : modifiers) {
    sharing.modifier = modifier;
    auto checked = check(context, desc, sharing);
    if (checked)
      possible.push_back(modifier);
    else
      why_not = std::move(checked).error();
  }
  if (possible.empty()) return why_not;
  VkImageDrmFormatModifierListCreateInfoEXT list{};
  list.sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_LIST_CREATE_INFO_EXT;
  list.drmFormatModifierCount = static_cast<std::uint32_t>(possible.size());
  list.pDrmFormatModifiers = possible.data();
  return create(context, desc, sharing, &list);
}

proto::Result<SlotImage> create_slot_image(const DeviceContext& context, const TextureDesc& desc,
                                           const TextureLayout& layout) {
  const Sharing sharing{VK_EXTERNAL_MEMORY_HANDLE_TYPE_DMA_BUF_BIT_EXT, layout.modifier,
                        VK_EXTERNAL_MEMORY_FEATURE_IMPORTABLE_BIT};
  if (auto checked = check(context, desc, sharing); !checked) return std::move(checked).error();
  std::array<VkSubresourceLayout, kMaxPlanes> planes{};
  for (std::uint32_t i = 0; i < layout.plane_count; ++i) {
    planes[i].offset = layout.planes[i].offset_bytes;
    planes[i].rowPitch = layout.planes[i].row_pitch_bytes;
  }
  VkImageDrmFormatModifierExplicitCreateInfoEXT placed{};
  placed.sType = VK_STRUCTURE_TYPE_IMAGE_DRM_FORMAT_MODIFIER_EXPLICIT_CREATE_INFO_EXT;
  placed.drmFormatModifier = layout.modifier;
  placed.drmFormatModifierPlaneCount = layout.plane_count;
  placed.pPlaneLayouts = planes.data();
  return create(context, desc, sharing, &placed);
}

}  // namespace ferry::platform
