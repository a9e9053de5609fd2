#pragma once
// The few Vulkan helpers that both examples share. Failures throw (vk::SystemError, std::runtime_error).

#include <array>
#include <cstddef>
#include <cstdint>
#include <ferry/ferry.hpp>
#include <span>
#include <string>
#include <vulkan/vulkan.hpp>

namespace examples {

/// The Vulkan objects of a ferry::Device, which must outlive them.
struct Gpu {
  vk::Instance instance;
  vk::PhysicalDevice physical_device;
  vk::Device device;
  vk::Queue queue;
  std::uint32_t queue_family = 0;
  bool is_software = false;
  std::string name;
};
Gpu gpu_of(const ferry::Device& device);

/// Lets Ferry submit to the queue, for sync mode sync-fd: before there is a producer or consumer. Without a lock, because one
/// thread of these programs submits, publishes and acquires. Where the driver cannot, or a second queue is lent, nothing.
void lend_queue(const ferry::Device& device);

/// Throws CommandError (validation) when the validation layer has had something to say of @p device.
void require_silent_validation(const ferry::Device& device);

/// A buffer that the host can write, or read back, through @ref mapped.
struct Buffer {
  vk::UniqueDeviceMemory memory;  // declared first: freed after the buffer
  vk::UniqueBuffer buffer;
  std::byte* mapped = nullptr;
};
enum class HostAccess { kWrite, kRead };
Buffer make_buffer(const Gpu& gpu, vk::DeviceSize size_bytes, vk::BufferUsageFlags usage, HostAccess access);

/// An image of the process's own, with a view of all of it.
struct Image {
  vk::UniqueDeviceMemory memory;  // declared first: freed after the image
  vk::UniqueImage image;
  vk::UniqueImageView view;
};
struct ImageSpec {
  vk::Format format = vk::Format::eUndefined;
  vk::Extent2D extent;
  vk::ImageUsageFlags usage;
  vk::ImageAspectFlags aspect = vk::ImageAspectFlagBits::eColor;
  vk::SampleCountFlagBits samples = vk::SampleCountFlagBits::e1;
};
Image make_image(const Gpu& gpu, const ImageSpec& spec);

vk::UniqueShaderModule make_shader(const Gpu& gpu, std::span<const std::uint32_t> spirv);

/// The two stages of a program, both entered at main().
std::array<vk::PipelineShaderStageCreateInfo, 2> shader_stages(vk::ShaderModule vertex, vk::ShaderModule fragment);

/// Throws when the GPU has not come to @p fence within five seconds: a hang is an error, not a reason to wait.
void wait_for(const Gpu& gpu, vk::Fence fence);

}  // namespace examples
