#include "tests/bench/gpu/shared_objects.h"

#include <limits>

#include "ferry/ferry_vulkan.h"

namespace ferry::bench {
namespace {

constexpr auto kOpaqueFd = vk::ExternalMemoryHandleTypeFlagBits::eOpaqueFd;

template <class Function>
Function device_function(const Device& device, const char* name) {
  return reinterpret_cast<Function>(device.vk().getProcAddr(name));
}

vk::UniqueImage make_image(const Device& device, const test::ImageShape& shape, bool shared) {
  const vk::ExternalMemoryImageCreateInfo external(kOpaqueFd);
  vk::ImageCreateInfo info;
  info.pNext = shared ? &external : nullptr;
  info.imageType = vk::ImageType::e2D;
  info.format = vk::Format::eR8G8B8A8Unorm;
  info.extent = vk::Extent3D(shape.width_px, shape.height_px, 1);
  info.mipLevels = info.arrayLayers = 1;
  info.tiling = vk::ImageTiling::eOptimal;
  info.usage = vk::ImageUsageFlagBits::eTransferSrc | vk::ImageUsageFlagBits::eTransferDst |
               vk::ImageUsageFlagBits::eSampled | vk::ImageUsageFlagBits::eColorAttachment;
  return device.vk().createImageUnique(info);
}

/// Binds memory to @p image: exported (next = VkExportMemoryAllocateInfo), imported, or its own alone.
Image bind(const Device& device, vk::UniqueImage image, const void* next, bool dedicated) {
  const auto needs = device.vk().getImageMemoryRequirements(*image);
  vk::MemoryDedicatedAllocateInfo only_for(*image);
  only_for.pNext = next;
  vk::MemoryAllocateInfo allocate(
      needs.size, device.gpu().memory_type(needs.memoryTypeBits, 0, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT));
  allocate.pNext = dedicated ? static_cast<const void*>(&only_for) : next;
  Image made;
  made.memory = device.vk().allocateMemoryUnique(allocate);
  device.vk().bindImageMemory(*image, *made.memory, 0);
  made.image = std::move(image);
  return made;
}

void hand_out(const Device& device, vk::Image image) {
  const test::Gpu& gpu = device.gpu();
  test::GpuCommands commands(gpu);
  VkImageMemoryBarrier give =
      ferry_release_barrier(image, gpu.queue_family_index(), VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, 0);
  give.oldLayout = VK_IMAGE_LAYOUT_UNDEFINED;
  gpu.CmdPipelineBarrier(commands.begin(), VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0,
                         0, nullptr, 0, nullptr, 1, &give);
  commands.submit({});
  commands.wait();
}

}  // namespace

Image make_local_image(const Device& device, const test::ImageShape& shape) {
  return bind(device, make_image(device, shape, false), nullptr, false);
}

Image make_shared_image(const Device& device, const test::ImageShape& shape) {
  const vk::ExportMemoryAllocateInfo exported(kOpaqueFd);
  Image image = bind(device, make_image(device, shape, true), &exported, true);
  hand_out(device, *image.image);
  return image;
}

platform::UniqueFd export_image(const Device& device, const Image& image) {
  const auto get = device_function<PFN_vkGetMemoryFdKHR>(device, "vkGetMemoryFdKHR");
  const VkMemoryGetFdInfoKHR info = vk::MemoryGetFdInfoKHR(*image.memory, kOpaqueFd);
  int fd = -1;
  vk::resultCheck(vk::Result(get(device.vk(), &info, &fd)), "vkGetMemoryFdKHR");
  return platform::UniqueFd(fd);
}

Image import_image(const Device& device, const test::ImageShape& shape, platform::UniqueFd fd) {
  vk::ImportMemoryFdInfoKHR imported(kOpaqueFd, fd.get());
  Image image = bind(device, make_image(device, shape, true), &imported, true);
  [[maybe_unused]] const int swallowed = fd.release();  // the driver's since the import
  return image;
}

vk::UniqueSemaphore make_timeline(const Device& device, bool exportable) {
  const vk::ExportSemaphoreCreateInfo exported(vk::ExternalSemaphoreHandleTypeFlagBits::eOpaqueFd);
  vk::SemaphoreTypeCreateInfo type(vk::SemaphoreType::eTimeline, 0);
  if (exportable) type.pNext = &exported;
  return device.vk().createSemaphoreUnique(vk::SemaphoreCreateInfo({}, &type));
}

platform::UniqueFd export_timeline(const Device& device, vk::Semaphore timeline) {
  const auto get = device_function<PFN_vkGetSemaphoreFdKHR>(device, "vkGetSemaphoreFdKHR");
  const VkSemaphoreGetFdInfoKHR info =
      vk::SemaphoreGetFdInfoKHR(timeline, vk::ExternalSemaphoreHandleTypeFlagBits::eOpaqueFd);
  int fd = -1;
  vk::resultCheck(vk::Result(get(device.vk(), &info, &fd)), "vkGetSemaphoreFdKHR");
  return platform::UniqueFd(fd);
}

vk::UniqueSemaphore import_timeline(const Device& device, platform::UniqueFd fd) {
  auto timeline = make_timeline(device, false);
  const auto take = device_function<PFN_vkImportSemaphoreFdKHR>(device, "vkImportSemaphoreFdKHR");
  const VkImportSemaphoreFdInfoKHR info =
      vk::ImportSemaphoreFdInfoKHR(*timeline, {}, vk::ExternalSemaphoreHandleTypeFlagBits::eOpaqueFd, fd.get());
  vk::resultCheck(vk::Result(take(device.vk(), &info)), "vkImportSemaphoreFdKHR");
  [[maybe_unused]] const int swallowed = fd.release();
  return timeline;
}

}  // namespace ferry::bench
