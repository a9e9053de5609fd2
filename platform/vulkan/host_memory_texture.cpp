#include "platform/vulkan/host_memory_texture.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "platform/vulkan/image_barrier.h"
#include "platform/vulkan/plane_copies.h"
#include "platform/vulkan/slot_image.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

constexpr auto kHandleType = VK_EXTERNAL_MEMORY_HANDLE_TYPE_HOST_ALLOCATION_BIT_EXT;
constexpr auto kBufferUsage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;

/// A buffer whose memory is the mapping. In order of destruction.
struct HostBuffer {
  HostMapping mapping;
  UniqueMemory memory;
  UniqueBuffer buffer;
};

/// Types that @p allowed_bits has and that need no flushing: nobody would do it for the other side's writes.
std::optional<std::uint32_t> coherent_type(const DeviceContext& c, std::uint32_t allowed_bits) {
  for (std::uint32_t i = 0; i < c.memory.memoryTypeCount; ++i)
    if ((allowed_bits >> i & 1u) && (c.memory.memoryTypes[i].propertyFlags & VK_MEMORY_PROPERTY_HOST_COHERENT_BIT))
      return i;
  return std::nullopt;
}

proto::Result<UniqueMemory> import_pages(const DeviceContext& c, void* address, std::uint64_t size_bytes,
                                         std::uint32_t buffer_type_bits) {
  VkMemoryHostPointerPropertiesEXT pointer{};
  pointer.sType = VK_STRUCTURE_TYPE_MEMORY_HOST_POINTER_PROPERTIES_EXT;
  if (const VkResult result =
          c.vkd.GetMemoryHostPointerPropertiesEXT(c.handles.device, kHandleType, address, &pointer);
      result != VK_SUCCESS)
    return vk_error(result, "vkGetMemoryHostPointerPropertiesEXT", c.capabilities.name);
  const auto type = coherent_type(c, pointer.memoryTypeBits & buffer_type_bits);
  if (!type)
    return proto::Error{proto::ErrorCode::kUnsupported,
                        fmt::format("device '{}' has no coherent memory type for host memory (its buffers allow {:#b}, "
                                    "the memory {:#b})",
                                    c.capabilities.name, buffer_type_bits, pointer.memoryTypeBits)};
  VkImportMemoryHostPointerInfoEXT imported{};
  imported.sType = VK_STRUCTURE_TYPE_IMPORT_MEMORY_HOST_POINTER_INFO_EXT;
  imported.handleType = kHandleType;
  imported.pHostPointer = address;
  VkMemoryAllocateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  info.pNext = &imported;
  info.allocationSize = size_bytes;
  info.memoryTypeIndex = *type;
  VkDeviceMemory memory = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.AllocateMemory(c.handles.device, &info, nullptr, &memory); result != VK_SUCCESS)
    return vk_error(result, "vkAllocateMemory",
                    fmt::format("import of {} bytes of host memory on device '{}'; a driver that pins them needs as much "
                                "RLIMIT_MEMLOCK",
                                size_bytes, c.capabilities.name));
  return UniqueMemory(c, memory);
}

proto::Result<HostBuffer> make_buffer(const CopyDevice& device, const UniqueFd& fd, std::uint64_t size_bytes) {
  const DeviceContext& c = *device.context();
  HostBuffer host;
  auto mapping = HostMapping::map(fd, size_bytes, device.host_alignment_bytes());
  if (!mapping) return std::move(mapping).error();
  host.mapping = std::move(*mapping);

  VkExternalMemoryBufferCreateInfo external{};
  external.sType = VK_STRUCTURE_TYPE_EXTERNAL_MEMORY_BUFFER_CREATE_INFO;
  external.handleTypes = kHandleType;
  VkBufferCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  info.pNext = &external;
  info.size = size_bytes;
  info.usage = kBufferUsage;
  VkBuffer buffer = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateBuffer(c.handles.device, &info, nullptr, &buffer); result != VK_SUCCESS)
    return vk_error(result, "vkCreateBuffer", fmt::format("of {} bytes of host memory", size_bytes));
  host.buffer = UniqueBuffer(c, buffer);
  VkMemoryRequirements requirements{};
  c.vkd.GetBufferMemoryRequirements(c.handles.device, buffer, &requirements);
  if (requirements.size > size_bytes)
    return proto::Error{proto::ErrorCode::kUnsupported,
                        fmt::format("device '{}' needs {} bytes for a buffer of {}", c.capabilities.name,
                                    requirements.size, size_bytes)};
  auto memory = import_pages(c, host.mapping.address(), size_bytes, requirements.memoryTypeBits);
  if (!memory) return std::move(memory).error();
  host.memory = std::move(*memory);
  if (const VkResult result = c.vkd.BindBufferMemory(c.handles.device, buffer, host.memory.get(), 0);
      result != VK_SUCCESS)
    return vk_error(result, "vkBindBufferMemory");
  return host;
}

class HostMemoryTexture final : public ImportedTexture, public TextureCopy {
 public:
  HostMemoryTexture(std::shared_ptr<CopyDevice> device, SlotImages images, HostBuffer host, const TextureDesc& desc,
                    std::uint32_t row_pitch_bytes)
      : device_(std::move(device)),
        images_(std::move(images)),
        host_(std::move(host)),
        copies_(plane_copies(desc, row_pitch_bytes)) {}
  ~HostMemoryTexture() override {
    if (!still_runs_) return;
    // The GPU hangs and may still use all of this: nothing of it may be destroyed.
    new auto(std::move(device_));
    new auto(std::move(images_));
    new auto(std::move(host_));
    new auto(std::move(pool_));
    new auto(std::move(fence_));
  }

  proto::Result<void> record();

  VkImage image() const override { return images_.application->image(); }
  VkImageView view() const override { return images_.application->view(); }
  VkFormat vk_format() const override { return images_.application->vk_format(); }
  TextureCopy* copy() const override { return const_cast<HostMemoryTexture*>(this); }

  proto::Result<void> to_shared() override { return run(to_shared_); }
  proto::Result<void> from_shared() override { return run(from_shared_); }

 private:
  const DeviceContext& context() const { return *device_->context(); }
  void record_to_shared() const;
  void record_from_shared() const;
  proto::Result<void> run(VkCommandBuffer commands) { return device_->run(commands, fence_.get(), still_runs_); }

  std::shared_ptr<CopyDevice> device_;
  SlotImages images_;
  HostBuffer host_;
  PlaneCopies copies_;
  UniqueCommandPool pool_;
  UniqueFence fence_;
  VkCommandBuffer to_shared_ = VK_NULL_HANDLE, from_shared_ = VK_NULL_HANDLE;
  bool still_runs_ = false;
};

/// Both copies, once: their every use is the same.
proto::Result<void> HostMemoryTexture::record() {
  const DeviceContext& c = context();
  VkCommandPoolCreateInfo pool_info{};
  pool_info.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool_info.queueFamilyIndex = c.handles.queue_family_index;
  VkCommandPool pool = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateCommandPool(c.handles.device, &pool_info, nullptr, &pool);
      result != VK_SUCCESS)
    return vk_error(result, "vkCreateCommandPool");
  pool_ = UniqueCommandPool(c, pool);
  VkFenceCreateInfo fence_info{};
  fence_info.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  VkFence fence = VK_NULL_HANDLE;
  if (const VkResult result = c.vkd.CreateFence(c.handles.device, &fence_info, nullptr, &fence); result != VK_SUCCESS)
    return vk_error(result, "vkCreateFence");
  fence_ = UniqueFence(c, fence);

  VkCommandBufferAllocateInfo buffer_info{};
  buffer_info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  buffer_info.commandPool = pool;
  buffer_info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  buffer_info.commandBufferCount = 2;
  VkCommandBuffer commands[2] = {};
  if (const VkResult result = c.vkd.AllocateCommandBuffers(c.handles.device, &buffer_info, commands);
      result != VK_SUCCESS)
    return vk_error(result, "vkAllocateCommandBuffers");
  to_shared_ = commands[0];
  from_shared_ = commands[1];
  for (const VkCommandBuffer buffer : commands) {
    VkCommandBufferBeginInfo begin_info{};
    begin_info.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
    if (const VkResult result = c.vkd.BeginCommandBuffer(buffer, &begin_info); result != VK_SUCCESS)
      return vk_error(result, "vkBeginCommandBuffer");
    if (buffer == to_shared_)
      record_to_shared();
    else
      record_from_shared();
    if (const VkResult result = c.vkd.EndCommandBuffer(buffer); result != VK_SUCCESS)
      return vk_error(result, "vkEndCommandBuffer");
  }
  return {};
}

void HostMemoryTexture::record_to_shared() const {
  const DeviceContext& c = context();
  const VkImage image = images_.copies->image();
  auto take = image_barrier(image, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL);
  take.srcQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  take.dstQueueFamilyIndex = c.handles.queue_family_index;
  take.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
  c.vkd.CmdPipelineBarrier(to_shared_, VK_PIPELINE_STAGE_TOP_OF_PIPE_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 0, nullptr,
                           0, nullptr, 1, &take);
  c.vkd.CmdCopyImageToBuffer(to_shared_, image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, host_.buffer.get(), copies_.count,
                             copies_.regions.data());
  auto give = image_barrier(image, VK_IMAGE_LAYOUT_TRANSFER_SRC_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  give.srcQueueFamilyIndex = c.handles.queue_family_index;
  give.dstQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  // For whoever reads the memory by another device: the fence alone makes nothing visible to the host's side.
  VkMemoryBarrier to_host{};
  to_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  to_host.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  to_host.dstAccessMask = VK_ACCESS_HOST_READ_BIT;
  c.vkd.CmdPipelineBarrier(to_shared_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_HOST_BIT, 0, 1, &to_host, 0,
                           nullptr, 0, nullptr);
  // Apart: no image may change owners in a barrier with the host's stage.
  c.vkd.CmdPipelineBarrier(to_shared_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                           nullptr, 0, nullptr, 1, &give);
}

void HostMemoryTexture::record_from_shared() const {
  const DeviceContext& c = context();
  const VkImage image = images_.copies->image();
  // All of it is overwritten, so it does not matter what became of it before.
  auto take = image_barrier(image, VK_IMAGE_LAYOUT_UNDEFINED, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL);
  take.dstAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  VkMemoryBarrier from_host{};
  from_host.sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER;
  from_host.srcAccessMask = VK_ACCESS_HOST_WRITE_BIT;
  from_host.dstAccessMask = VK_ACCESS_TRANSFER_READ_BIT;
  c.vkd.CmdPipelineBarrier(from_shared_, VK_PIPELINE_STAGE_HOST_BIT, VK_PIPELINE_STAGE_TRANSFER_BIT, 0, 1, &from_host, 0,
                           nullptr, 1, &take);
  c.vkd.CmdCopyBufferToImage(from_shared_, host_.buffer.get(), image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL,
                             copies_.count, copies_.regions.data());
  auto give = image_barrier(image, VK_IMAGE_LAYOUT_TRANSFER_DST_OPTIMAL, VK_IMAGE_LAYOUT_SHADER_READ_ONLY_OPTIMAL);
  give.srcAccessMask = VK_ACCESS_TRANSFER_WRITE_BIT;
  give.srcQueueFamilyIndex = c.handles.queue_family_index;
  give.dstQueueFamilyIndex = VK_QUEUE_FAMILY_EXTERNAL;
  c.vkd.CmdPipelineBarrier(from_shared_, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, 0, 0,
                           nullptr, 0, nullptr, 1, &give);
}

}  // namespace

proto::Result<HostMapping> HostMapping::map(const UniqueFd& fd, std::uint64_t size_bytes,
                                            std::uint64_t alignment_bytes) {
  auto failed = [&](const char* call) {
    return proto::Error{proto::ErrorCode::kOutOfMemory,
                        fmt::format("{} of a slot of {} bytes: {}", call, size_bytes, std::strerror(errno))};
  };
  HostMapping mapping;
  const std::uint64_t reserved_bytes = size_bytes + alignment_bytes;
  void* reserved = ::mmap(nullptr, reserved_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return failed("mmap");
  mapping.reserved_ = reserved;
  mapping.reserved_bytes_ = reserved_bytes;
  const auto start = reinterpret_cast<std::uintptr_t>(reserved);
  const std::uintptr_t aligned = (start + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  void* address = ::mmap(reinterpret_cast<void*>(aligned), size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
                         fd.get(), 0);
  if (address == MAP_FAILED) return failed("mmap");
  mapping.address_ = address;
  return mapping;
}

HostMapping::~HostMapping() {
  if (reserved_ != nullptr) ::munmap(reserved_, reserved_bytes_);
}

proto::Result<std::unique_ptr<ImportedTexture>> make_host_memory_texture(std::shared_ptr<CopyDevice> device,
                                                                         SlotImages images, const UniqueFd& fd,
                                                                         const TextureDesc& desc,
                                                                         const TextureLayout& layout) {
  auto host = make_buffer(*device, fd, layout.allocation_size_bytes);
  if (!host) return std::move(host).error();
  auto texture = std::make_unique<HostMemoryTexture>(std::move(device), std::move(images), std::move(*host), desc,
                                                     layout.row_pitch_bytes);
  if (auto recorded = texture->record(); !recorded) return std::move(recorded).error();
  if (auto filled = texture->from_shared(); !filled) return std::move(filled).error();
  return std::unique_ptr<ImportedTexture>(std::move(texture));
}

}  // namespace ferry::platform
