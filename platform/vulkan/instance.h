#pragma once
// A VkInstance of Ferry's own, through a loader that is opened at run time.

#include <atomic>
#include <memory>

#include "platform/vulkan/device.h"
#include "platform/vulkan/dispatch.h"

namespace ferry::platform {

class OwnedInstance {
 public:
  /// kUnsupported names the Debian package that is missing, the layer's or the loader's, or the unknown extension.
  static proto::Result<std::unique_ptr<OwnedInstance>> create(const std::vector<const char*>& extensions,
                                                              bool enable_validation);
  OwnedInstance(const OwnedInstance&) = delete;
  OwnedInstance& operator=(const OwnedInstance&) = delete;
  ~OwnedInstance();

  VkInstance get() const { return instance_; }
  const InstanceDispatch& vki() const { return vki_; }
  PFN_vkGetInstanceProcAddr get_instance_proc_addr() const { return get_instance_proc_addr_; }
  /// What the instance was created for: devices of less are unsupported, features of more are not used.
  std::uint32_t api_version() const { return api_version_; }
  const std::atomic<std::uint64_t>& validation_errors() const { return validation_errors_; }

 private:
  OwnedInstance() = default;
  proto::Result<void> enable_messenger(const VkDebugUtilsMessengerCreateInfoEXT& info);

  PFN_vkGetInstanceProcAddr get_instance_proc_addr_ = nullptr;
  VkInstance instance_ = VK_NULL_HANDLE;
  InstanceDispatch vki_;
  std::uint32_t api_version_ = 0;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger_ = nullptr;
  std::atomic<std::uint64_t> validation_errors_{0};
};

}  // namespace ferry::platform
