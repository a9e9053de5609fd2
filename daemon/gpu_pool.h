#pragma once
// The broker's devices: one a physical device, made when the first stream on it is.

#include <memory>
#include <string>
#include <vector>

#include "daemon/negotiation.h"
#include "platform/vulkan/device.h"
#include "proto/result.h"

namespace ferry::daemon {

class GpuPool {
 public:
  /// @p selector: of the default device, which is made at once. kNotFound lists what there is.
  static proto::Result<GpuPool> create(const std::string& selector);

  /// Of devices that are there already, the default one first; at least one.
  static GpuPool of(std::vector<std::shared_ptr<platform::VulkanDevice>> devices);

  /// What the device can do, whether it is open or not; nullptr when it is none of ours.
  const platform::DeviceCapabilities* capabilities(const DeviceKey& key) const;
  /// kIncompatible names @p who, its device and ours.
  proto::Result<std::shared_ptr<platform::VulkanDevice>> find(const DeviceKey& key, const std::string& who);
  /// The device is lost: whoever asks next gets another device object. What was made on it keeps it.
  void forget(const DeviceKey& key);

  const platform::DeviceCapabilities& default_device() const { return gpus_.front().capabilities; }
  /// The default one first.
  std::vector<wire::DeviceT> describe() const;
  std::string list() const;  ///< "'GPU' (device ... driver ...), ...", for messages

 private:
  struct Gpu {
    platform::DeviceCapabilities capabilities;
    std::shared_ptr<platform::VulkanDevice> device;
  };
  std::vector<Gpu> gpus_;
};

}  // namespace ferry::daemon
