#include "tests/unit/vulkan/gpu_work.h"

#include <vulkan/vulkan.h>

#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>

namespace ferry::platform::test {
namespace {

constexpr std::uint64_t kDeadlineNs = 30'000'000'000;

void check(VkResult result, const char* call) {
  if (result != VK_SUCCESS) throw std::runtime_error(std::string(call) + ": VkResult " + std::to_string(result));
}

std::size_t size_of(const TextureDesc& desc) {
  return proto::format_info(desc.format).image_bytes(desc.width_px, desc.height_px);
}

/// Host memory that the GPU copies to and from.
class StagingBuffer {
 public:
  StagingBuffer(VulkanDevice& device, std::size_t size_bytes) : device_(device.handles().device) {
    VkBufferCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
    info.size = size_bytes;
    info.usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
    check(vkCreateBuffer(device_, &info, nullptr, &buffer_), "vkCreateBuffer");
    VkMemoryRequirements requirements;
    vkGetBufferMemoryRequirements(device_, buffer_, &requirements);
    VkMemoryAllocateInfo allocation{};
    allocation.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
    allocation.allocationSize = requirements.size;
    allocation.memoryTypeIndex = host_memory_type(device, requirements.memoryTypeBits);
    check(vkAllocateMemory(device_, &allocation, nullptr, &memory_), "vkAllocateMemory");
    check(vkBindBufferMemory(device_, buffer_, memory_, 0), "vkBindBufferMemory");
    check(vkMapMemory(device_, memory_, 0, VK_WHOLE_SIZE, 0, &address_), "vkMapMemory");
  }
  StagingBuffer(const StagingBuffer&) = delete;
  StagingBuffer& operator=(const StagingBuffer&) = delete;
  ~StagingBuffer() {
    vkDestroyBuffer(device_, buffer_, nullptr);
    vkFreeMemory(device_, memory_, nullptr);
  }

  VkBuffer get() const { return buffer_; }
  void* address() const { return address_; }

 private:
  static std::uint32_t host_memory_type(VulkanDevice& device, std::uint32_t allowed_bits) {
    constexpr VkMemoryPropertyFlags kWanted =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    VkPhysicalDeviceMemoryProperties memory;
    vkGetPhysicalDeviceMemoryProperties(device.handles().physical_device, &memory);
    for (std::uint32_t i = 0; i < memory.memoryTypeCount; ++i)
      if ((allowed_bits >> i & 1u) && (memory.memoryTypes[i].propertyFlags & kWanted) == kWanted) return i;
    throw std::runtime_error("no host-visible memory");
  }

  VkDevice device_;
  VkBuffer buffer_ = VK_NULL_HANDLE;
  VkDeviceMemory memory_ = VK_NULL_HANDLE;
  void* address_ = nullptr;
};

void run_commands(VulkanDevice& device, const std::function<void(VkCommandBuffer)>& record) {
  const VkDevice vk = device.handles().device;
  VkCommandPoolCreateInfo pool_info{};
  pool_info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool_info.queueFamilyIndex = device.handles().queue_family_index;
  VkCommandPool pool = VK_NULL_HANDLE;
  check(vkCreateCommandPool(vk, &pool_info, nullptr, &pool), "vkCreateCommandPool");
  VkCommandBufferAllocateInfo buffer_info{};
  buffer_info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  buffer_info.commandPool = pool;
  buffer_info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffer_info.commandBufferCount = 1;
  VkCommandBuffer commands = VK_NULL_HANDLE;
  check(vkAllocateCommandBuffers(vk, &buffer_info, &commands), "vkAllocateCommandBuffers");
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  record(commands);
  check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");

  VkFenceCreateInfo fence_info{};
  fence_info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  VkFence fence = VK_NULL_HANDLE;
  check(vkCreateFence(vk, &fence_info, nullptr, &fence), "vkCreateFence");
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  check(vkQueueSubmit(device.queue(), 1, &submit, fence), "vkQueueSubmit");
  check(vkWaitForFences(vk, 1, &fence, VK_TRUE, kDeadlineNs), "vkWaitForFences");
  vkDestroyFence(vk, fence, nullptr);
  vkDestroyCommandPool(vk, pool, nullptr);
}

/// @p work on the image in @p layout, between the two barriers of the contract.
void use_slot(VulkanDevice& device, VkImage image, VkImageLayout layout, VkAccessFlags access,
              const std::function<void(VkCommandBuffer)>& work) {
  VkImageMemoryBarrier take{};
  take.sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER;
  take.dstAccessMask = access;
  take.oldLayout = VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL;
  take.newLayout = layout;
  take.srcQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  take.dstQueueFamilyIndex = device.handles().queue_family_index;
  take.image = image;
  take.subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  VkImageMemoryBarrier give = take;
  give.srcAccessMask = access;
  give.dstAccessMask = 0;
  std::swap(give.oldLayout, give.newLayout);
  std::swap(give.srcQueueFamilyIndex, give.dstQueueFamilyIndex);
  run_commands(device, [&](VkCommandBuffer commands) {
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr, 0,
                         nullptr, 1, &take);
    work(commands);
    vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0, nullptr,
                         0, nullptr, 1, &give);
  });
}

/// One for each plane; they lie in the buffer without padding.
std::vector<VkBufferImageCopy> whole_slot(const TextureDesc& desc) {
  const auto& format = proto::format_info(desc.format);
  if (!format.is_yuv())
    return {{0, 0, 0, {VK_IMAGE_ASPECT_COLOR_BIT, 0, 0, 1}, {}, {desc.width_px, desc.height_px, 1}}};
  const VkDeviceSize luma_bytes = format.row_bytes(0, desc.width_px) * desc.height_px;
  return {{0, 0, 0, {VK_IMAGE_ASPECT_PLANE_0_BIT, 0, 0, 1}, {}, {desc.width_px, desc.height_px, 1}},
          {luma_bytes, 0, 0, {VK_IMAGE_ASPECT_PLANE_1_BIT, 0, 0, 1}, {}, {desc.width_px / 2, desc.height_px / 2, 1}}};
}

}  // namespace

std::vector<std::byte> make_pattern(const TextureDesc& desc, std::uint32_t seed) {
  std::vector<std::byte> pixels(size_of(desc));
  std::uint16_t kept_bits = 0xffff;
  if (desc.format == proto::Format::kRgba16Float) kept_bits = 0xbfff;  // exponents below infinity
  if (desc.format == proto::Format::kP010) kept_bits = 0xffc0;
  for (std::size_t i = 0; i < pixels.size() / 2; ++i) {
    const std::uint32_t mixed = (static_cast<std::uint32_t>(i) + seed * 0x9e3779b9u) * 2654435761u;
    const auto half = static_cast<std::uint16_t>(mixed >> 16 & kept_bits);
    std::memcpy(&pixels[2 * i], &half, sizeof half);
  }
  return pixels;
}

std::vector<std::byte> blank(const TextureDesc& desc) {
  std::vector<std::byte> pixels(size_of(desc));
  const auto& format = proto::format_info(desc.format);
  const std::size_t luma_bytes = format.row_bytes(0, desc.width_px) * desc.height_px;
  const std::size_t step = desc.format == proto::Format::kP010 ? 2 : 1;
  for (std::size_t i = luma_bytes + step - 1; i < pixels.size(); i += step) pixels[i] = std::byte{0x80};
  return pixels;
}

std::vector<std::byte> laid_out(const TextureDesc& desc, const std::vector<std::byte>& pixels,
                                std::span<const PlaneLayout> planes, std::size_t size_bytes) {
  const auto& format = proto::format_info(desc.format);
  std::vector<std::byte> memory(size_bytes, std::byte{0xa5});
  const std::byte* next = pixels.data();
  for (std::size_t plane = 0; plane < format.plane_count; ++plane)
    for (std::size_t row = 0; row < format.rows(plane, desc.height_px); ++row) {
      const std::size_t row_bytes = format.row_bytes(plane, desc.width_px);
      std::memcpy(&memory.at(planes[plane].offset_bytes + row * planes[plane].row_pitch_bytes), next, row_bytes);
      next += row_bytes;
    }
  return memory;
}

void write_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc, const std::vector<std::byte>& pixels) {
  const StagingBuffer buffer(device, pixels.size());
  std::memcpy(buffer.address(), pixels.data(), pixels.size());
  const auto copies = whole_slot(desc);
  use_slot(device, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
           [&](VkCommandBuffer commands) {
             vkCmdCopyBufferToImage(commands, buffer.get(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                                    static_cast<std::uint32_t>(copies.size()), copies.data());
           });
}

void clear_slot(VulkanDevice& device, VkImage image, const VkClearColorValue& color) {
  const VkImageSubresourceRange range{VK_IMAGE_ASPECT_COLOR_BIT, 0, 1, 0, 1};
  use_slot(device, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_ACCESS_TRANSFER_WRITE_BIT,
           [&](VkCommandBuffer commands) {
             vkCmdClearColorImage(commands, image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, &color, 1, &range);
           });
}

std::vector<std::byte> read_slot(VulkanDevice& device, VkImage image, const TextureDesc& desc) {
  std::vector<std::byte> pixels(size_of(desc));
  const StagingBuffer buffer(device, pixels.size());
  std::memset(buffer.address(), 0xa5, pixels.size());
  const auto copies = whole_slot(desc);
  use_slot(device, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_ACCESS_TRANSFER_READ_BIT,
           [&](VkCommandBuffer commands) {
             vkCmdCopyImageToBuffer(commands, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, buffer.get(),
                                    static_cast<std::uint32_t>(copies.size()), copies.data());
             VkMemoryBarrier to_host{};
             to_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
             to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
             to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
             vkCmdPipelineBarrier(commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host,
                                  0, nullptr, 0, nullptr);
           });
  std::memcpy(pixels.data(), buffer.address(), pixels.size());
  return pixels;
}

}  // namespace ferry::platform::test
