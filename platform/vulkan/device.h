#pragma once
// Vulkan devices: finding them, creating them, and what they can do for Ferry.

#include <vulkan/vulkan_core.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "platform/fence_bridge.h"
#include "platform/texture.h"
#include "platform/timeline.h"
#include "proto/result.h"

namespace ferry::platform {

using Uuid = std::array<std::uint8_t, VK_UUID_SIZE>;
std::string to_string(const Uuid& uuid);  ///< 8-4-4-4-12 hex digits

/// A physical device and what can be done with it. What cannot is said in words, for users to read.
struct DeviceCapabilities {
  Uuid device_uuid{}, driver_uuid{};
  std::string name;    ///< "NVIDIA H100 80GB HBM3"
  std::string driver;  ///< "NVIDIA 580.159.04"
  bool is_software = false;
  bool opaque_fd = false;          ///< can export *and* import opaque-fd images
  std::string opaque_fd_reason;    ///< why not; empty if it can
  bool host_memory = false;        ///< its GPU can copy from and to memory of the host's (transport host-memory)
  std::string host_memory_reason;  ///< why not; empty if it can
  bool dma_buf = false;            ///< can import dma-bufs in some modifier
  std::string dma_buf_reason;      ///< why not; empty if it can
  std::vector<FormatModifier> modifiers;  ///< of transport dma-buf
  bool timeline_fd = false;        ///< can export *and* import timeline semaphores as opaque fds
  std::string timeline_fd_reason;  ///< why not; empty if it can
  bool sync_fd = false;            ///< can export *and* import binary semaphores as sync_files
  std::string sync_fd_reason;      ///< why not; empty if it can
  bool foreign_queues = false;     ///< images can change owners with other drivers (VK_QUEUE_FAMILY_FOREIGN_EXT)
  bool imported_waits_spin = false;  ///< vkWaitSemaphores on an imported timeline keeps a processor busy until the end
};

/// Entry points of one VkInstance + VkDevice, loaded through the application's vkGetInstanceProcAddr.
struct VulkanHandles {
  VkInstance instance = VK_NULL_HANDLE;
  VkPhysicalDevice physical_device = VK_NULL_HANDLE;
  VkDevice device = VK_NULL_HANDLE;
  std::uint32_t queue_family_index = 0;
  PFN_vkGetInstanceProcAddr get_instance_proc_addr = nullptr;
};

/// Extensions of @p physical_device that Ferry wants enabled (static strings; only those it has). kUnsupported names
/// the missing feature when no transport can work.
struct DeviceRequirements { std::vector<const char*> extensions; };
proto::Result<DeviceRequirements> requirements_of(VkInstance instance, VkPhysicalDevice physical_device,
                                                  PFN_vkGetInstanceProcAddr get_instance_proc_addr);

/// A device Ferry can import into (a client's) or export from (the broker's). Borrowed handles or its own.
class VulkanDevice {
 public:
  virtual ~VulkanDevice() = default;
  virtual const VulkanHandles& handles() const = 0;
  virtual VkQueue queue() const = 0;  ///< VK_NULL_HANDLE for a wrapped device
  /// Beside queue(), and nobody else's. VK_NULL_HANDLE unless the device was created with one.
  virtual VkQueue spare_queue() const { return VK_NULL_HANDLE; }
  virtual const DeviceCapabilities& capabilities() const = 0;
  virtual TextureImporter& texture_importer() = 0;
  virtual TimelineImporter& timeline_importer() = 0;
  /// nullptr for a wrapped device: only a device with a queue of its own can clear what it allocates.
  virtual TextureExporter* texture_exporter() = 0;
  /// Of dma-bufs in whichever of @p modifiers the driver likes best, to be owned by @p owner_queue_family between uses
  /// (VK_QUEUE_FAMILY_EXTERNAL or VK_QUEUE_FAMILY_FOREIGN_EXT). nullptr for a wrapped device, and without dma_buf.
  virtual std::unique_ptr<TextureExporter> dma_buf_exporter(std::vector<std::uint64_t> modifiers,
                                                            std::uint32_t owner_queue_family) = 0;
  /// nullptr without timeline_fd.
  virtual TimelineExporter* timeline_exporter() = 0;
  /// kUnsupported without sync_fd; kInvalidArgument for no queue. Nothing of it may be used after the device.
  virtual proto::Result<std::unique_ptr<FenceBridge>> fence_bridge(LentQueue queue) = 0;
  virtual std::uint64_t validation_errors() const = 0;  ///< of the instance made with enable_validation
};

/// Wraps an application's device. kUnsupported when a function Ferry needs is not enabled on it (names it).
proto::Result<std::unique_ptr<VulkanDevice>> wrap_device(const VulkanHandles& handles);

struct DeviceChoice {
  std::string selector;       ///< device UUID, index or part of the name; empty: real GPUs before software ones
  bool enable_validation = false;
  std::vector<const char*> instance_extensions, device_extensions;
  const void* features = nullptr;  ///< chain of structs for VkDeviceCreateInfo::pNext, read during the call
  bool spare_queue = false;        ///< a second queue where the driver has sync_fd and the family has two
};
/// Creates instance, device and one graphics queue, or two. Loads libvulkan.so.1 at run time. kNotFound lists what there is.
/// kInvalidArgument: the features turn timelineSemaphore off.
proto::Result<std::unique_ptr<VulkanDevice>> create_device(const DeviceChoice& choice);

/// All physical devices of this machine, real GPUs first; what create_device chooses from, in that order.
proto::Result<std::vector<DeviceCapabilities>> enumerate_devices();

}  // namespace ferry::platform
