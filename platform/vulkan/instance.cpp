#include "platform/vulkan/instance.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string_view>

#include "platform/vulkan/device_capabilities.h"
#include "platform/vulkan/vk_error.h"

namespace ferry::platform {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

proto::Error unsupported(std::string message) { return {proto::ErrorCode::kUnsupported, std::move(message)}; }

struct Loader {
  PFN_vkGetInstanceProcAddr get_instance_proc_addr;
};

/// The loader stays loaded: drivers leave threads and thread-local destructors behind that need it.
proto::Result<Loader> load_loader() {
  void* library = ::dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return unsupported(fmt::format("cannot load the Vulkan loader (install libvulkan1): {}", ::dlerror()));
  void* entry = ::dlsym(library, "vkGetInstanceProcAddr");
  if (entry == nullptr) return unsupported("libvulkan.so.1 has no vkGetInstanceProcAddr");
  return Loader{reinterpret_cast<PFN_vkGetInstanceProcAddr>(entry)};
}

template <class Pfn>
Pfn function_of(PFN_vkGetInstanceProcAddr get, VkInstance instance, const char* name) {
  return reinterpret_cast<Pfn>(get(instance, name));
}

/// Holds one instance for the life of the process, so that the drivers stay loaded too. NVIDIA's takes static TLS at
/// every load and never gives it back: without this a process is out of it after its 30th device.
void keep_drivers_loaded(PFN_vkCreateInstance create, const VkApplicationInfo& application) {
  static const VkInstance kept = [&] {
    VkInstanceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
    info.pApplicationInfo = &application;
    VkInstance instance = VK_NULL_HANDLE;
    create(&info, nullptr, &instance);
    return instance;
  }();
  static_cast<void>(kept);
}

std::vector<VkExtensionProperties> instance_extensions(PFN_vkGetInstanceProcAddr get, const char* layer) {
  const auto enumerate = function_of<PFN_vkEnumerateInstanceExtensionProperties>(
      get, VK_NULL_HANDLE, "vkEnumerateInstanceExtensionProperties");
  std::uint32_t count = 0;
  if (enumerate == nullptr || enumerate(layer, &count, nullptr) != VK_SUCCESS) return {};
  std::vector<VkExtensionProperties> extensions(count);
  if (enumerate(layer, &count, extensions.data()) < 0) return {};
  extensions.resize(count);
  return extensions;
}

bool has_validation_layer(PFN_vkGetInstanceProcAddr get) {
  const auto enumerate =
      function_of<PFN_vkEnumerateInstanceLayerProperties>(get, VK_NULL_HANDLE, "vkEnumerateInstanceLayerProperties");
  std::uint32_t count = 0;
  if (enumerate == nullptr || enumerate(&count, nullptr) != VK_SUCCESS) return false;
  std::vector<VkLayerProperties> layers(count);
  if (enumerate(&count, layers.data()) < 0) return false;
  layers.resize(count);
  return std::any_of(layers.begin(), layers.end(), [](const VkLayerProperties& layer) {
    return std::string_view(layer.layerName) == kValidationLayer;
  });
}

proto::Result<std::uint32_t> choose_api_version(PFN_vkGetInstanceProcAddr get) {
  const auto enumerate = function_of<PFN_vkEnumerateInstanceVersion>(get, VK_NULL_HANDLE, "vkEnumerateInstanceVersion");
  std::uint32_t loader_version = VK_API_VERSION_1_0;
  if (enumerate != nullptr) enumerate(&loader_version);
  if (loader_version < kMinApiVersion)
    return unsupported(fmt::format("the Vulkan loader supports Vulkan {}.{}, Ferry needs 1.2",
                                   VK_API_VERSION_MAJOR(loader_version), VK_API_VERSION_MINOR(loader_version)));
  return std::min<std::uint32_t>(loader_version, VK_API_VERSION_1_3);
}

/// The layer's word for its own mistake: older releases lose track of a timeline that one thread signals while another
/// waits, stall both for 10 s, and say so.
constexpr std::string_view kLayersOwnFault = "UNASSIGNED-VkSemaphore-state-timeout";

VKAPI_ATTR VkBool32 VKAPI_CALL count_message(VkDebugUtilsMessageSeverityFlagBitsEXT, VkDebugUtilsMessageTypeFlagsEXT,
                                             const VkDebugUtilsMessengerCallbackDataEXT* data, void* counter) {
  const bool is_layers_fault = data->pMessageIdName != nullptr && data->pMessageIdName == kLayersOwnFault;
  if (!is_layers_fault) static_cast<std::atomic<std::uint64_t>*>(counter)->fetch_add(1, std::memory_order_relaxed);
  std::fprintf(stderr, "%s\n", data->pMessage);
  return VK_FALSE;
}

VkDebugUtilsMessengerCreateInfoEXT messenger_info(std::atomic<std::uint64_t>& counter) {
  VkDebugUtilsMessengerCreateInfoEXT info{};
  info.sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT;
  info.messageSeverity =
      VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT | VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT;
  info.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT;
  info.pfnUserCallback = count_message;
  info.pUserData = &counter;
  return info;
}

}  // namespace

proto::Result<std::unique_ptr<OwnedInstance>> OwnedInstance::create(const std::vector<const char*>& extensions,
                                                                    bool enable_validation) {
  auto loader = load_loader();
  if (!loader) return std::move(loader).error();
  const PFN_vkGetInstanceProcAddr get = loader->get_instance_proc_addr;
  auto api_version = choose_api_version(get);
  if (!api_version) return std::move(api_version).error();
  if (enable_validation && !has_validation_layer(get))
    return unsupported(fmt::format("{} is not installed (Debian package vulkan-validationlayers)", kValidationLayer));

  const auto available = instance_extensions(get, nullptr);
  for (const char* name : extensions)
    if (!has_extension(available, name))
      return unsupported(fmt::format("no Vulkan driver here has the instance extension {}", name));

  std::unique_ptr<OwnedInstance> owned(new OwnedInstance);
  owned->get_instance_proc_addr_ = get;
  owned->api_version_ = *api_version;

  std::vector<const char*> enabled = extensions;
  const auto messenger = messenger_info(owned->validation_errors_);
  constexpr VkValidationFeatureEnableEXT kSynchronization = VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
  VkValidationFeaturesEXT features{};
  features.sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT;
  features.pNext = &messenger;
  features.enabledValidationFeatureCount = 1;
  features.pEnabledValidationFeatures = &kSynchronization;

  VkApplicationInfo application{};
  application.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO;
  application.pApplicationName = "ferry";
  application.apiVersion = *api_version;
  VkInstanceCreateInfo info{};
  info.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO;
  info.pApplicationInfo = &application;
  if (enable_validation) {
    const auto has = [&](const char* name) {
      return std::any_of(enabled.begin(), enabled.end(), [&](const char* e) { return std::string_view(e) == name; });
    };
    for (const char* name : {VK_EXT_DEBUG_UTILS_EXTENSION_NAME, VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME})
      if (!has(name)) enabled.push_back(name);
    info.pNext = &features;
    info.enabledLayerCount = 1;
    info.ppEnabledLayerNames = &kValidationLayer;
  }
  info.enabledExtensionCount = static_cast<std::uint32_t>(enabled.size());
  info.ppEnabledExtensionNames = enabled.data();

  const auto create = function_of<PFN_vkCreateInstance>(get, VK_NULL_HANDLE, "vkCreateInstance");
  if (create == nullptr) return unsupported("libvulkan.so.1 has no vkCreateInstance");
  const VkResult result = create(&info, nullptr, &owned->instance_);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER)
    return unsupported(
        "no Vulkan driver can be loaded: install mesa-vulkan-drivers or the GPU vendor's (VK_LOADER_DEBUG=error tells "
        "more)");
  if (result != VK_SUCCESS) return vk_error(result, "vkCreateInstance");
  keep_drivers_loaded(create, application);

  auto vki = load_instance_dispatch(owned->instance_, get);
  if (!vki) return std::move(vki).error();
  owned->vki_ = *vki;
  if (enable_validation)
    if (auto enabled_messenger = owned->enable_messenger(messenger); !enabled_messenger)
      return std::move(enabled_messenger).error();
  return owned;
}

proto::Result<void> OwnedInstance::enable_messenger(const VkDebugUtilsMessengerCreateInfoEXT& info) {
  const auto create = function_of<PFN_vkCreateDebugUtilsMessengerEXT>(get_instance_proc_addr_, instance_,
                                                                      "vkCreateDebugUtilsMessengerEXT");
  destroy_messenger_ = function_of<PFN_vkDestroyDebugUtilsMessengerEXT>(get_instance_proc_addr_, instance_,
                                                                        "vkDestroyDebugUtilsMessengerEXT");
  if (create == nullptr || destroy_messenger_ == nullptr)
    return unsupported("VK_EXT_debug_utils is enabled but has no vkCreateDebugUtilsMessengerEXT");
  if (const VkResult result = create(instance_, &info, nullptr, &messenger_); result != VK_SUCCESS)
    return vk_error(result, "vkCreateDebugUtilsMessengerEXT");
  return {};
}

OwnedInstance::~OwnedInstance() {
  if (instance_ == VK_NULL_HANDLE) return;
  if (messenger_ != VK_NULL_HANDLE) destroy_messenger_(instance_, messenger_, nullptr);
  // Null only when the instance's functions could not be loaded: nothing can destroy it then.
  if (vki_.DestroyInstance != nullptr) vki_.DestroyInstance(instance_, nullptr);
}

}  // namespace ferry::platform
