#include "tests/support/gpu.h"

#include "tests/support/check.h"

namespace ferry::test {
namespace {

constexpr std::uint64_t kFenceTimeoutNs = 20'000'000'000;

ferry_device_info info_of(ferry_device* device) {
  ferry_device_info info{};
  info.struct_size = FERRY_DEVICE_INFO_SIZE;
  check(ferry_device_get_info(device, &info), "ferry_device_get_info");
  return info;
}

struct BufferNeeds {
  VkBufferUsageFlags usage;
  VkMemoryPropertyFlags required, preferred;
};

BufferNeeds needs_of(GpuBuffer::Kind kind) {
  constexpr VkMemoryPropertyFlags kHost = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  constexpr VkBufferUsageFlags kBoth = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT;
  switch (kind) {
    case GpuBuffer::Kind::kUpload:
      return {VK_BUFFER_USAGE_TRANSFER_SRC_BIT, kHost, 0};
    case GpuBuffer::Kind::kReadback:
      return {VK_BUFFER_USAGE_TRANSFER_DST_BIT, kHost, VK_MEMORY_PROPERTY_HOST_CACHED_BIT};
    case GpuBuffer::Kind::kDeviceLocal:
      break;
  }
  return {kBoth | VK_BUFFER_USAGE_STORAGE_BUFFER_BIT, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, 0};
}

}  // namespace

Gpu::Gpu(ferry_device* device) {
  const ferry_device_info made = info_of(device);
  ferry_vulkan_info info = FERRY_VULKAN_INFO_INIT;
  info.instance = made.instance;
  info.physical_device = made.physical_device;
  info.device = made.device;
  info.queue_family_index = made.queue_family_index;
  info.get_instance_proc_addr = made.get_instance_proc_addr;
  queue_ = made.queue;
  load(info);
}

Gpu::Gpu(const ferry_vulkan_info& info, VkQueue queue) : queue_(queue) { load(info); }

void Gpu::load(const ferry_vulkan_info& info) {
  device_ = info.device;
  queue_family_index_ = info.queue_family_index;
  const auto instance_function = [&](const char* name) { return info.get_instance_proc_addr(info.instance, name); };
  const auto device_function = reinterpret_cast<PFN_vkGetDeviceProcAddr>(instance_function("vkGetDeviceProcAddr"));
  const auto memory_properties = reinterpret_cast<PFN_vkGetPhysicalDeviceMemoryProperties>(
      instance_function("vkGetPhysicalDeviceMemoryProperties"));
  memory_properties(info.physical_device, &memory_);
#define FERRY_TEST_LOAD(name)                                                  \
  name = reinterpret_cast<PFN_vk##name>(device_function(device_, "vk" #name)); \
  if (name == nullptr) throw std::runtime_error("the device has no function vk" #name);
  FERRY_TEST_DEVICE_FUNCTIONS(FERRY_TEST_LOAD)
#undef FERRY_TEST_LOAD
}

std::uint32_t Gpu::memory_type(std::uint32_t allowed_bits, VkMemoryPropertyFlags required,
                               VkMemoryPropertyFlags preferred) const {
  for (const VkMemoryPropertyFlags wanted : {required | preferred, required})
    for (std::uint32_t i = 0; i < memory_.memoryTypeCount; ++i)
      if ((allowed_bits >> i & 1) != 0 && (memory_.memoryTypes[i].propertyFlags & wanted) == wanted) return i;
  throw std::runtime_error("no memory type with the wanted properties");
}

GpuBuffer::GpuBuffer(const Gpu& gpu, std::size_t size_bytes, Kind kind) : gpu_(gpu), size_bytes_(size_bytes) {
  const BufferNeeds needs = needs_of(kind);
  VkBufferCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO;
  create.size = size_bytes;
  create.usage = needs.usage;
  check_vk(gpu.CreateBuffer(gpu.device(), &create, nullptr, &buffer_), "vkCreateBuffer");
  VkMemoryRequirements requirements;
  gpu.GetBufferMemoryRequirements(gpu.device(), buffer_, &requirements);
  VkMemoryAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO;
  allocate.allocationSize = requirements.size;
  allocate.memoryTypeIndex = gpu.memory_type(requirements.memoryTypeBits, needs.required, needs.preferred);
  check_vk(gpu.AllocateMemory(gpu.device(), &allocate, nullptr, &memory_), "vkAllocateMemory");
  check_vk(gpu.BindBufferMemory(gpu.device(), buffer_, memory_, 0), "vkBindBufferMemory");
  if (kind != Kind::kDeviceLocal)
    check_vk(gpu.MapMemory(gpu.device(), memory_, 0, VK_WHOLE_SIZE, 0, &mapped_), "vkMapMemory");
}

GpuBuffer::~GpuBuffer() {
  gpu_.DestroyBuffer(gpu_.device(), buffer_, nullptr);
  gpu_.FreeMemory(gpu_.device(), memory_, nullptr);
}

GpuCommands::GpuCommands(const Gpu& gpu) : gpu_(gpu) {
  VkCommandPoolCreateInfo pool{};
  pool.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO;
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  pool.queueFamilyIndex = gpu.queue_family_index();
  check_vk(gpu.CreateCommandPool(gpu.device(), &pool, nullptr, &pool_), "vkCreateCommandPool");
  VkCommandBufferAllocateInfo allocate{};
  allocate.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO;
  allocate.commandPool = pool_;
  allocate.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  allocate.commandBufferCount = 1;
  check_vk(gpu.AllocateCommandBuffers(gpu.device(), &allocate, &commands_), "vkAllocateCommandBuffers");
  VkFenceCreateInfo fence{};
  fence.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  check_vk(gpu.CreateFence(gpu.device(), &fence, nullptr, &fence_), "vkCreateFence");
}

GpuCommands::~GpuCommands() {
  if (pending_) gpu_.WaitForFences(gpu_.device(), 1, &fence_, VK_TRUE, kFenceTimeoutNs);
  gpu_.DestroyFence(gpu_.device(), fence_, nullptr);
  gpu_.DestroyCommandPool(gpu_.device(), pool_, nullptr);
}

VkCommandBuffer GpuCommands::begin() {
  wait();
  VkCommandBufferBeginInfo begin{};
  begin.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO;
  begin.flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT;
  check_vk(gpu_.BeginCommandBuffer(commands_, &begin), "vkBeginCommandBuffer");
  return commands_;
}

void GpuCommands::submit(const Points& points) {
  check_vk(gpu_.EndCommandBuffer(commands_), "vkEndCommandBuffer");
  const std::uint32_t signals = points.signal_semaphore == VK_NULL_HANDLE ? 0 : 1;
  constexpr std::size_t kMaxWaits = 256;  // a wait for each lease at most
  VkPipelineStageFlags stages[kMaxWaits];
  if (points.wait_semaphores.size() > kMaxWaits) throw std::runtime_error("more waits than a stream has leases");
  std::fill_n(stages, points.wait_semaphores.size(), points.wait_stage);
  VkTimelineSemaphoreSubmitInfo values{};
  values.sType = VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO;
  values.waitSemaphoreValueCount = static_cast<std::uint32_t>(points.wait_values.size());
  values.pWaitSemaphoreValues = points.wait_values.data();
  values.signalSemaphoreValueCount = signals;
  values.pSignalSemaphoreValues = &points.signal_value;
  VkSubmitInfo submit{};
  submit.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO;
  submit.pNext = &values;
  submit.waitSemaphoreCount = static_cast<std::uint32_t>(points.wait_semaphores.size());
  submit.pWaitSemaphores = points.wait_semaphores.data();
  submit.pWaitDstStageMask = stages;
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands_;
  submit.signalSemaphoreCount = signals;
  submit.pSignalSemaphores = &points.signal_semaphore;
  check_vk(gpu_.QueueSubmit(gpu_.queue(), 1, &submit, fence_), "vkQueueSubmit");
  pending_ = true;
}

void GpuCommands::wait() {
  if (!pending_) return;
  check_vk(gpu_.WaitForFences(gpu_.device(), 1, &fence_, VK_TRUE, kFenceTimeoutNs), "vkWaitForFences for 20 s");
  check_vk(gpu_.ResetFences(gpu_.device(), 1, &fence_), "vkResetFences");
  check_vk(gpu_.ResetCommandBuffer(commands_, 0), "vkResetCommandBuffer");
  pending_ = false;
}

}  // namespace ferry::test
