#include <cstring>
#include <mutex>
#include <string>
#include <vector>

#include "client/src/api_handles.h"
#include "client/src/wire_convert.h"
#include "ferry/ferry.h"
#include "platform/vulkan/device.h"

using namespace ferry::client;
using ferry::proto::Error;
using ferry::proto::ErrorCode;
using ferry::proto::Result;

namespace platform = ferry::platform;

namespace {

/// Extension lists that were given out: few, small, and the caller may keep the pointer for ever.
const char* const* keep(const std::vector<const char*>& extensions) {
  static std::mutex mutex;
  static auto* kept = new std::vector<std::vector<const char*>*>;
  std::lock_guard lock(mutex);
  for (const auto* list : *kept)
    if (*list == extensions) return list->data();
  kept->push_back(new std::vector<const char*>(extensions));
  return kept->back()->data();
}

Result<std::string> selector_of(const ferry_device_create_info& info) {
  if (info.selector != nullptr) return std::string(info.selector);
  if (info.connection == nullptr) return std::string();
  auto connection = use(info.connection);
  if (!connection) return std::move(connection).error();
  const auto broker = (*connection)->broker();
  const auto& devices = broker->devices;
  if (devices.empty() || !devices.front()->device_uuid) return std::string();
  return platform::to_string(from_wire(*devices.front()->device_uuid));
}

std::int32_t give_out_device(std::unique_ptr<platform::VulkanDevice> device, ferry_device** out) {
  const VkQueue spare = device->spare_queue();
  auto binding = std::make_shared<DeviceBinding>(std::move(device));
  if (spare != VK_NULL_HANDLE)
    if (auto lent = binding->lend({spare, {}, {}}); !lent) return fail(lent.error());
  return give_out(handles().devices, std::make_unique<DeviceHandle>(std::move(binding)), out);
}

}  // namespace

int32_t ferry_get_vulkan_requirements(const ferry_vulkan_info* info, ferry_vulkan_requirements* out) {
  return guarded([&] {
    auto in = read_struct(info, "ferry_vulkan_info");
    if (!in) return fail(in.error());
    if (auto ok = check_out(out, "ferry_vulkan_requirements"); !ok) return fail(ok.error());
    if (in->instance == VK_NULL_HANDLE || in->physical_device == VK_NULL_HANDLE || in->get_instance_proc_addr == nullptr)
      return fail(ErrorCode::kInvalidArgument,
                  "ferry_vulkan_info: instance, physical_device and get_instance_proc_addr must be given");
    auto requirements = platform::requirements_of(in->instance, in->physical_device, in->get_instance_proc_addr);
    if (!requirements) return fail(requirements.error());
    ferry_vulkan_requirements answer{};
    answer.api_version = VK_API_VERSION_1_2;
    answer.timeline_semaphore = 1;
    answer.device_extension_count = static_cast<std::uint32_t>(requirements->extensions.size());
    answer.device_extensions = keep(requirements->extensions);
    write_struct(out, answer);
    return 0;
  });
}

int32_t ferry_device_wrap(const ferry_vulkan_info* info, ferry_device** out) {
  return guarded([&] {
    auto in = read_struct(info, "ferry_vulkan_info");
    if (!in) return fail(in.error());
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_device_wrap: out is NULL");
    auto device = platform::wrap_device(
        {in->instance, in->physical_device, in->device, in->queue_family_index, in->get_instance_proc_addr});
    if (!device) return fail(device.error());
    return give_out_device(std::move(*device), out);
  });
}

int32_t ferry_device_create(const ferry_device_create_info* info, ferry_device** out) {
  return guarded([&] {
    ferry_device_create_info in = FERRY_DEVICE_CREATE_INFO_INIT;
    if (info != nullptr) {
      auto read = read_struct(info, "ferry_device_create_info");
      if (!read) return fail(read.error());
      in = *read;
    }
    if (out == nullptr) return fail(ErrorCode::kInvalidArgument, "ferry_device_create: out is NULL");
    if ((in.instance_extension_count != 0 && in.instance_extensions == nullptr) ||
        (in.device_extension_count != 0 && in.device_extensions == nullptr))
      return fail(ErrorCode::kInvalidArgument, "ferry_device_create_info: extensions are counted but their list is NULL");
    auto selector = selector_of(in);
    if (!selector) return fail(selector.error());
    platform::DeviceChoice choice;
    choice.selector = *selector;
    choice.enable_validation = in.enable_validation != 0;
    choice.instance_extensions.assign(in.instance_extensions, in.instance_extensions + in.instance_extension_count);
    choice.device_extensions.assign(in.device_extensions, in.device_extensions + in.device_extension_count);
    choice.features = in.device_features;
    choice.spare_queue = true;
    auto device = platform::create_device(choice);
    if (!device) return fail(device.error());
    return give_out_device(std::move(*device), out);
  });
}

int32_t ferry_device_get_info(ferry_device* device, ferry_device_info* out) {
  return guarded([&] {
    auto used = use(device);
    if (!used) return fail(used.error());
    if (auto ok = check_out(out, "ferry_device_info"); !ok) return fail(ok.error());
    const platform::VulkanDevice& vulkan = (*used)->vulkan();
    const platform::VulkanHandles& objects = vulkan.handles();
    const platform::DeviceCapabilities& can = vulkan.capabilities();
    ferry_device_info info{};
    info.queue_family_index = objects.queue_family_index;
    info.instance = objects.instance;
    info.physical_device = objects.physical_device;
    info.device = objects.device;
    info.queue = vulkan.queue();
    info.get_instance_proc_addr = objects.get_instance_proc_addr;
    std::memcpy(info.device_uuid, can.device_uuid.data(), sizeof info.device_uuid);
    std::memcpy(info.driver_uuid, can.driver_uuid.data(), sizeof info.driver_uuid);
    std::memcpy(info.name, can.name.data(), std::min(can.name.size(), sizeof info.name - 1));
    info.is_software = can.is_software ? 1 : 0;
    info.can_timeline = can.timeline_fd ? 1 : 0;
    info.validation_errors = vulkan.validation_errors();
    write_struct(out, info);
    return 0;
  });
}

int32_t ferry_device_lend_queue(ferry_device* device, VkQueue queue, void (*lock)(void*), void (*unlock)(void*),
                                void* user) {
  return guarded([&] {
    auto used = use(device);
    if (!used) return fail(used.error());
    if (queue == VK_NULL_HANDLE || (lock == nullptr) != (unlock == nullptr))
      return fail(ErrorCode::kInvalidArgument, "ferry_device_lend_queue: queue is NULL, or one of lock and unlock alone is");
    platform::LentQueue lent{queue, {}, {}};
    if (lock != nullptr) {
      lent.lock = [lock, user] { lock(user); };
      lent.unlock = [unlock, user] { unlock(user); };
    }
    return code_of((*used)->lend(std::move(lent)));
  });
}

int32_t ferry_device_destroy(ferry_device* device) {
  return guarded([&] { return end(handles().devices, "ferry_device", device); });
}
