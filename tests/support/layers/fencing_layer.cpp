// A Vulkan layer with which any driver exports binary semaphores as sync_files. Where the kernel has sw_sync, the fence is
// pending for as long as the work: more than software drivers' own, which have signalled by the time that they are
// exported. Elsewhere an export waits for the work, and there is no descriptor (-1, as the specification has it). No driver
// is asked to signal such a semaphore: a software driver's queue would then wait on the host for whatever comes before it.
// Imports are the driver's own, if it has any.

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/layers/layer_chain.h"
#include "tests/support/layers/semaphore_fds.h"
#include "tests/support/sw_sync.h"

namespace ferry::test::layer {
namespace {

constexpr auto kHandleType = VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_SYNC_FD_BIT;
constexpr std::uint64_t kLookNs = 5'000'000;  // between two looks whether the device goes

/// Releases the fences of one device, in the order in which they were exported, each when its work is done.
class Releaser {
 public:
  explicit Releaser(VkDevice device) : device_(device) {}
  ~Releaser() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }
  Releaser(const Releaser&) = delete;
  Releaser& operator=(const Releaser&) = delete;

  bool can() const { return static_cast<bool>(counter_); }
  /// Takes @p work. -1 when the kernel refuses.
  int fence_of(VkFence work) {
    const std::lock_guard lock(mutex_);
    platform::UniqueFd fence = counter_.fence_at(++exported_);
    works_.push_back(work);
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    changed_.notify_all();
    return fence.release();
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [this] { return stopping_ || !works_.empty(); });
      if (stopping_) return;
      const VkFence work = works_.front();
      lock.unlock();
      const auto wait = next_of<PFN_vkWaitForFences>(device_, "vkWaitForFences");
      VkResult result = VK_TIMEOUT;
      while (result == VK_TIMEOUT && !stopping_) result = wait(device_, 1, &work, VK_TRUE, kLookNs);
      if (result != VK_SUCCESS) return;  // what is pending fails with the counter
      next_of<PFN_vkDestroyFence>(device_, "vkDestroyFence")(device_, work, nullptr);
      counter_.advance(1);
      lock.lock();
      works_.pop_front();
    }
  }

  VkDevice device_;
  SwSync counter_ = SwSync::open();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stopping_{false};
  std::uint32_t exported_ = 0;
  std::deque<VkFence> works_;
  std::thread thread_;
};

std::mutex mutex;
std::map<VkSemaphore, VkFence> signals;  // of the semaphores that are exported: of the submission that signals it
std::map<void*, VkDevice> devices;  // by key_of(), which a device and its queues have in common
std::map<void*, std::unique_ptr<Releaser>> releasers;

void VKAPI_CALL semaphore_properties(VkPhysicalDevice device, const VkPhysicalDeviceExternalSemaphoreInfo* info,
                                     VkExternalSemaphoreProperties* properties) {
  constexpr const char* kName = "vkGetPhysicalDeviceExternalSemaphoreProperties";
  next_of_instance<PFN_vkGetPhysicalDeviceExternalSemaphoreProperties>(device, kName)(device, info, properties);
  const auto* type =
      find<VkSemaphoreTypeCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO);
  if (info->handleType != kHandleType || (type != nullptr && type->semaphoreType != VK_SEMAPHORE_TYPE_BINARY)) return;
  properties->externalSemaphoreFeatures =
      VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT | VK_EXTERNAL_SEMAPHORE_FEATURE_IMPORTABLE_BIT;
  properties->exportFromImportedHandleTypes = properties->compatibleHandleTypes = kHandleType;
}

VkResult VKAPI_CALL create_fencing_device(VkPhysicalDevice physical, const VkDeviceCreateInfo* info,
                                          const VkAllocationCallbacks* allocator, VkDevice* device) {
  const VkResult result = create_device_with_semaphore_fds(physical, info, allocator, device);
  if (result != VK_SUCCESS) return result;
  const std::lock_guard lock(mutex);
  devices[key_of(*device)] = *device;
  return result;
}

/// The driver makes one that is not exported.
VkResult VKAPI_CALL create_semaphore(VkDevice device, const VkSemaphoreCreateInfo* info,
                                     const VkAllocationCallbacks* allocator, VkSemaphore* semaphore) {
  const auto* exported = find<VkExportSemaphoreCreateInfo>(info->pNext, VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO);
  VkSemaphoreCreateInfo plain = *info;
  const bool ours = exported != nullptr && exported->handleTypes == kHandleType;
  if (ours) plain.pNext = nullptr;
  const VkResult result =
      next_of<PFN_vkCreateSemaphore>(device, "vkCreateSemaphore")(device, &plain, allocator, semaphore);
  if (result != VK_SUCCESS || !ours) return result;
  const std::lock_guard lock(mutex);
  signals[*semaphore] = VK_NULL_HANDLE;
  return result;
}

VkFence create_fence(VkDevice device) {
  VkFenceCreateInfo create{};
  create.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO;
  VkFence fence = VK_NULL_HANDLE;
  next_of<PFN_vkCreateFence>(device, "vkCreateFence")(device, &create, nullptr, &fence);
  return fence;
}

/// One batch without a fence, as Ferry submits them, whose exported semaphore is a fence to the driver.
VkResult VKAPI_CALL queue_submit(VkQueue queue, std::uint32_t count, const VkSubmitInfo* infos, VkFence fence) {
  const auto next = next_of<PFN_vkQueueSubmit>(queue, "vkQueueSubmit");
  if (count != 1 || fence != VK_NULL_HANDLE) return next(queue, count, infos, fence);
  VkSubmitInfo info = infos[0];
  const auto* values =
      find<VkTimelineSemaphoreSubmitInfo>(info.pNext, VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO);
  std::vector<VkSemaphore> left;
  std::vector<std::uint64_t> left_values;
  VkFence work = VK_NULL_HANDLE;
  {
    const std::lock_guard lock(mutex);
    for (std::uint32_t i = 0; i < info.signalSemaphoreCount; ++i) {
      if (const auto exported = signals.find(info.pSignalSemaphores[i]); exported != signals.end()) {
        work = create_fence(devices.at(key_of(queue)));
        exported->second = work;
      } else {
        left.push_back(info.pSignalSemaphores[i]);
        left_values.push_back(values != nullptr ? values->pSignalSemaphoreValues[i] : 0);
      }
    }
  }
  if (work == VK_NULL_HANDLE || values == nullptr) return next(queue, count, infos, fence);
  VkTimelineSemaphoreSubmitInfo rest = *values;
  rest.signalSemaphoreValueCount = static_cast<std::uint32_t>(left_values.size());
  rest.pSignalSemaphoreValues = left_values.data();
  info.pNext = &rest;
  info.signalSemaphoreCount = static_cast<std::uint32_t>(left.size());
  info.pSignalSemaphores = left.data();
  return next(queue, 1, &info, work);
}

VkResult VKAPI_CALL get_semaphore_fd(VkDevice device, const VkSemaphoreGetFdInfoKHR* info, int* fd) {
  if (info->handleType != kHandleType)
    return next_of<PFN_vkGetSemaphoreFdKHR>(device, "vkGetSemaphoreFdKHR")(device, info, fd);
  // An export takes the signal out of the semaphore.
  VkFence work = VK_NULL_HANDLE;
  Releaser* releaser = nullptr;
  {
    const std::lock_guard lock(mutex);
    work = std::exchange(signals[info->semaphore], VK_NULL_HANDLE);
    auto& of_device = releasers[key_of(device)];
    if (!of_device) of_device = std::make_unique<Releaser>(device);
    releaser = of_device.get();
  }
  if (work == VK_NULL_HANDLE) return VK_ERROR_INITIALIZATION_FAILED;  // nothing was submitted that signals it
  if (releaser->can()) {
    *fd = releaser->fence_of(work);
    return *fd >= 0 ? VK_SUCCESS : VK_ERROR_TOO_MANY_OBJECTS;
  }
  const VkResult result =
      next_of<PFN_vkWaitForFences>(device, "vkWaitForFences")(device, 1, &work, VK_TRUE, UINT64_MAX);
  next_of<PFN_vkDestroyFence>(device, "vkDestroyFence")(device, work, nullptr);
  *fd = -1;
  return result;
}

VkResult VKAPI_CALL import_semaphore_fd(VkDevice device, const VkImportSemaphoreFdInfoKHR* info) {
  const auto next = next_of<PFN_vkImportSemaphoreFdKHR>(device, "vkImportSemaphoreFdKHR");
  return next != nullptr ? next(device, info) : VK_ERROR_INVALID_EXTERNAL_HANDLE;
}

void VKAPI_CALL destroy_semaphore(VkDevice device, VkSemaphore semaphore, const VkAllocationCallbacks* allocator) {
  {
    const std::lock_guard lock(mutex);
    signals.erase(semaphore);
  }
  next_of<PFN_vkDestroySemaphore>(device, "vkDestroySemaphore")(device, semaphore, allocator);
}

void VKAPI_CALL destroy_device(VkDevice device, const VkAllocationCallbacks* allocator) {
  if (device == VK_NULL_HANDLE) return;
  std::unique_ptr<Releaser> gone;
  {
    const std::lock_guard lock(mutex);
    if (const auto known = releasers.find(key_of(device)); known != releasers.end()) {
      gone = std::move(known->second);
      releasers.erase(known);
    }
  }
  gone.reset();
  next_of<PFN_vkDestroyDevice>(device, "vkDestroyDevice")(device, allocator);
}

}  // namespace

bool gives(const char* name) {
  const std::string_view wanted = name;
  return wanted == "vkGetSemaphoreFdKHR" || wanted == "vkImportSemaphoreFdKHR";
}

PFN_vkVoidFunction ours(const char* name) {
  const std::pair<const char*, PFN_vkVoidFunction> all[] = {
      {"vkGetPhysicalDeviceExternalSemaphoreProperties", reinterpret_cast<PFN_vkVoidFunction>(&semaphore_properties)},
      {"vkEnumerateDeviceExtensionProperties", reinterpret_cast<PFN_vkVoidFunction>(&extensions_with_semaphore_fds)},
      {"vkCreateDevice", reinterpret_cast<PFN_vkVoidFunction>(&create_fencing_device)},
      {"vkImportSemaphoreFdKHR", reinterpret_cast<PFN_vkVoidFunction>(&import_semaphore_fd)},
      {"vkCreateSemaphore", reinterpret_cast<PFN_vkVoidFunction>(&create_semaphore)},
      {"vkQueueSubmit", reinterpret_cast<PFN_vkVoidFunction>(&queue_submit)},
      {"vkGetSemaphoreFdKHR", reinterpret_cast<PFN_vkVoidFunction>(&get_semaphore_fd)},
      {"vkDestroySemaphore", reinterpret_cast<PFN_vkVoidFunction>(&destroy_semaphore)},
      {"vkDestroyDevice", reinterpret_cast<PFN_vkVoidFunction>(&destroy_device)}};
  for (const auto& [known, function] : all)
    if (std::strcmp(name, known) == 0) return function;
  return nullptr;
}

}  // namespace ferry::test::layer
