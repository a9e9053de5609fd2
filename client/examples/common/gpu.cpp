#include "client/examples/common/gpu.h"

#include <fmt/format.h>

#include <array>
#include <stdexcept>

#include "client/cli/exit_code.h"

namespace examples {
namespace {

constexpr std::uint64_t kGpuDeadlineNs = 5'000'000'000;

std::uint32_t find_memory_type(const Gpu& gpu, std::uint32_t allowed,
                               std::span<const vk::MemoryPropertyFlags> best_first) {
  const auto properties = gpu.physical_device.getMemoryProperties();
  for (const auto wanted : best_first)
    for (std::uint32_t i = 0; i < properties.memoryTypeCount; ++i)
      if ((allowed >> i & 1U) != 0 && (properties.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  throw std::runtime_error(fmt::format("device '{}' has no memory type of mask {:#x} that fits", gpu.name, allowed));
}

vk::UniqueDeviceMemory allocate(const Gpu& gpu, const vk::MemoryRequirements& needs,
                                std::span<const vk::MemoryPropertyFlags> best_first) {
  return gpu.device.allocateMemoryUnique({needs.size, find_memory_type(gpu, needs.memoryTypeBits, best_first)});
}

}  // namespace

Gpu gpu_of(const ferry::Device& device) {
  const auto info = device.info();
  return {info.instance,           info.physical_device,  info.device, info.queue,
          info.queue_family_index, info.is_software != 0, info.name};
}

void lend_queue(const ferry::Device& device) {
  const std::int32_t lent = ferry_device_lend_queue(device.get(), device.info().queue, nullptr, nullptr, nullptr);
  if (lent != FERRY_OK && lent != FERRY_ERROR_UNSUPPORTED && lent != FERRY_ERROR_INVALID_STATE)
    throw std::runtime_error(ferry_last_error());
}

void require_silent_validation(const ferry::Device& device) {
  const std::uint64_t messages = device.info().validation_errors;
  if (messages > 0)
    throw ferry::cli::CommandError(ferry::cli::ExitCode::kValidation,
                                   fmt::format("{} messages of the validation layer", messages));
}

Buffer make_buffer(const Gpu& gpu, vk::DeviceSize size_bytes, vk::BufferUsageFlags usage, HostAccess access) {
  using Flag = vk::MemoryPropertyFlagBits;
  const auto coherent = Flag::eHostVisible | Flag::eHostCoherent;
  const std::array<vk::MemoryPropertyFlags, 2> for_writing{coherent | Flag::eDeviceLocal, coherent};
  const std::array<vk::MemoryPropertyFlags, 2> for_reading{coherent | Flag::eHostCached, coherent};

  Buffer result;
  result.buffer = gpu.device.createBufferUnique({{}, size_bytes, usage});
  result.memory = allocate(gpu, gpu.device.getBufferMemoryRequirements(*result.buffer),
                           access == HostAccess::kWrite ? for_writing : for_reading);
  gpu.device.bindBufferMemory(*result.buffer, *result.memory, 0);
  result.mapped = static_cast<std::byte*>(gpu.device.mapMemory(*result.memory, 0, VK_WHOLE_SIZE));
  return result;
}

Image make_image(const Gpu& gpu, const ImageSpec& spec) {
  Image result;
  result.image = gpu.device.createImageUnique(vk::ImageCreateInfo()
                                                  .setImageType(vk::ImageType::e2D)
                                                  .setFormat(spec.format)
                                                  .setExtent({spec.extent.width, spec.extent.height, 1})
                                                  .setMipLevels(1)
                                                  .setArrayLayers(1)
                                                  .setSamples(spec.samples)
                                                  .setUsage(spec.usage));
  const std::array<vk::MemoryPropertyFlags, 1> device_local{vk::MemoryPropertyFlagBits::eDeviceLocal};
  result.memory = allocate(gpu, gpu.device.getImageMemoryRequirements(*result.image), device_local);
  gpu.device.bindImageMemory(*result.image, *result.memory, 0);
  result.view = gpu.device.createImageViewUnique(
      {{}, *result.image, vk::ImageViewType::e2D, spec.format, {}, {spec.aspect, 0, 1, 0, 1}});
  return result;
}

vk::UniqueShaderModule make_shader(const Gpu& gpu, std::span<const std::uint32_t> spirv) {
  return gpu.device.createShaderModuleUnique({{}, spirv.size_bytes(), spirv.data()});
}

std::array<vk::PipelineShaderStageCreateInfo, 2> shader_stages(vk::ShaderModule vertex, vk::ShaderModule fragment) {
  return {vk::PipelineShaderStageCreateInfo({}, vk::ShaderStageFlagBits::eVertex, vertex, "main"),
          vk::PipelineShaderStageCreateInfo({}, vk::ShaderStageFlagBits::eFragment, fragment, "main")};
}

void wait_for(const Gpu& gpu, vk::Fence fence) {
  if (gpu.device.waitForFences(fence, VK_TRUE, kGpuDeadlineNs) == vk::Result::eTimeout)
    throw std::runtime_error(fmt::format("device '{}' did not finish a frame within 5 s", gpu.name));
}

}  // namespace examples
