#include "daemon/gpu_pool.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>

#include "daemon/wire_convert.h"

namespace ferry::daemon {

using platform::VulkanDevice;
using proto::Error;
using proto::ErrorCode;
using proto::Result;

Result<GpuPool> GpuPool::create(const std::string& selector) {
  auto found = platform::enumerate_devices();
  if (!found) return std::move(found).error();
  platform::DeviceChoice choice;
  choice.selector = selector;
  auto chosen = platform::create_device(choice);
  if (!chosen) return std::move(chosen).error();

  GpuPool pool;
  const DeviceKey key = key_of((*chosen)->capabilities());
  pool.gpus_.push_back({(*chosen)->capabilities(), std::move(*chosen)});
  for (auto& capabilities : *found)
    if (!(key_of(capabilities) == key)) pool.gpus_.push_back({std::move(capabilities), nullptr});
  return pool;
}

GpuPool GpuPool::of(std::vector<std::shared_ptr<VulkanDevice>> devices) {
  GpuPool pool;
  for (auto& device : devices) {
    const platform::DeviceCapabilities capabilities = device->capabilities();
    pool.gpus_.push_back({capabilities, std::move(device)});
  }
  return pool;
}

Result<std::shared_ptr<VulkanDevice>> GpuPool::find(const DeviceKey& key, const std::string& who) {
  const auto gpu =
      std::find_if(gpus_.begin(), gpus_.end(), [&](const Gpu& g) { return key_of(g.capabilities) == key; });
  if (gpu == gpus_.end()) {
    std::vector<std::string> ours;
    for (const Gpu& g : gpus_) ours.push_back(to_string(key_of(g.capabilities)));
    return incompatible(fmt::format("{} is on {}, which is none of the broker's: {}", who, to_string(key), list()),
                        {who, "device", {to_string(key)}, std::move(ours)});
  }
  if (!gpu->device) {
    platform::DeviceChoice choice;
    choice.selector = platform::to_string(key.device_uuid);
    auto created = platform::create_device(choice);
    if (!created) return std::move(created).error();
    if (!(key_of((*created)->capabilities()) == key))
      return incompatible(fmt::format("two drivers serve device {}, and the broker cannot choose {}", choice.selector,
                                      to_string(key)),
                          {who, "device", {to_string(key)}, {to_string(key_of((*created)->capabilities()))}});
    spdlog::info("device '{}' ({}) opened for {}", gpu->capabilities.name, gpu->capabilities.driver, who);
    gpu->device = std::move(*created);
  }
  return gpu->device;
}

const platform::DeviceCapabilities* GpuPool::capabilities(const DeviceKey& key) const {
  const auto gpu =
      std::find_if(gpus_.begin(), gpus_.end(), [&](const Gpu& g) { return key_of(g.capabilities) == key; });
  return gpu == gpus_.end() ? nullptr : &gpu->capabilities;
}

void GpuPool::forget(const DeviceKey& key) {
  for (Gpu& gpu : gpus_)
    if (key_of(gpu.capabilities) == key) gpu.device.reset();
}

std::string GpuPool::list() const {
  std::string text;
  for (const Gpu& g : gpus_)
    text +=
        fmt::format("{}'{}' ({})", text.empty() ? "" : ", ", g.capabilities.name, to_string(key_of(g.capabilities)));
  return text;
}

std::vector<wire::DeviceT> GpuPool::describe() const {
  std::vector<wire::DeviceT> out;
  for (const Gpu& gpu : gpus_) out.push_back(to_wire(gpu.capabilities));
  return out;
}

}  // namespace ferry::daemon
