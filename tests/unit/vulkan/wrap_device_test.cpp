// Applications' own devices, with and without what Ferry needs.

#include <vulkan/vulkan.h>

#include "proto/usage.h"
#include "tests/unit/vulkan/test_devices.h"

namespace ferry::platform::test {
namespace {

using proto::ErrorCode;

/// A VkDevice as an application makes one.
class ApplicationDevice {
 public:
  ApplicationDevice(const VulkanHandles& parent, const std::vector<const char*>& extensions) : handles_(parent) {
    const float priority = 1.0F;
    VkDeviceQueueCreateInfo queue{};
    queue.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO;
    queue.queueFamilyIndex = parent.queue_family_index;
    queue.queueCount = 1;
    queue.pQueuePriorities = &priority;
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline{};
    timeline.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES;
    timeline.timelineSemaphore = VK_TRUE;
    VkDeviceCreateInfo info{};
    info.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO;
    info.pNext = &timeline;
    info.queueCreateInfoCount = 1;
    info.pQueueCreateInfos = &queue;
    info.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
    info.ppEnabledExtensionNames = extensions.data();
    EXPECT_EQ(vkCreateDevice(parent.physical_device, &info, nullptr, &handles_.device), VK_SUCCESS);
  }
  ApplicationDevice(const ApplicationDevice&) = delete;
  ApplicationDevice& operator=(const ApplicationDevice&) = delete;
  ~ApplicationDevice() { vkDestroyDevice(handles_.device, nullptr); }

  const VulkanHandles& handles() const { return handles_; }

 private:
  VulkanHandles handles_;
};

class WrapDevice : public ::testing::Test {
 protected:
  void SetUp() override {
    owner_ = make_device();
    ASSERT_TRUE(owner_);
    auto requirements = requirements_of(owner_->handles().instance, owner_->handles().physical_device,
                                        owner_->handles().get_instance_proc_addr);
    ASSERT_TRUE(requirements) << requirements.error().message;
    extensions_ = requirements->extensions;
  }
  void TearDown() override {
    if (owner_) {
      EXPECT_EQ(owner_->validation_errors(), 0u);
    }
  }

  std::unique_ptr<VulkanDevice> owner_;
  std::vector<const char*> extensions_;
};

TEST_F(WrapDevice, ImportsIntoADeviceMadeAsRequired) {
  const ApplicationDevice application(owner_->handles(), extensions_);
  auto wrapped = wrap_device(application.handles());
  ASSERT_TRUE(wrapped) << wrapped.error().message;
  EXPECT_EQ((*wrapped)->queue(), VkQueue{VK_NULL_HANDLE});
  EXPECT_EQ((*wrapped)->texture_exporter(), nullptr);
  EXPECT_EQ((*wrapped)->capabilities().timeline_fd, owner_->capabilities().timeline_fd);
  EXPECT_EQ((*wrapped)->capabilities().device_uuid, owner_->capabilities().device_uuid);

  const TextureDesc desc{64, 64, proto::Format::kRgba16Float, proto::kUsageRender, 0};
  const auto slots = owner_->texture_exporter()->allocate(desc, 1);
  ASSERT_TRUE(slots) << slots.error().message;
  const auto imported =
      (*wrapped)->texture_importer().import(slots->front()->fd().duplicate(), desc, slots->front()->layout());
  EXPECT_TRUE(imported) << imported.error().message;
}

TEST_F(WrapDevice, NamesTheExtensionThatMemoryNeeds) {
  const ApplicationDevice application(owner_->handles(), {});
  const auto refused = wrap_device(application.handles());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnsupported);
  EXPECT_NE(refused.error().message.find("VK_KHR_external_memory_fd"), std::string::npos) << refused.error().message;
}

TEST_F(WrapDevice, DoesWithoutTheExtensionThatTimelinesNeed) {
  const ApplicationDevice application(owner_->handles(), {VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME});
  auto wrapped = wrap_device(application.handles());
  ASSERT_TRUE(wrapped) << wrapped.error().message;
  EXPECT_FALSE((*wrapped)->capabilities().timeline_fd);
  EXPECT_EQ((*wrapped)->timeline_exporter(), nullptr);
  const std::string& reason = (*wrapped)->capabilities().timeline_fd_reason;
  if (owner_->capabilities().timeline_fd)
    EXPECT_NE(reason.find("VK_KHR_external_semaphore_fd"), std::string::npos) << reason;
  else
    EXPECT_EQ(reason, owner_->capabilities().timeline_fd_reason);
  EXPECT_TRUE((*wrapped)->timeline_importer().create_local());
  EXPECT_FALSE((*wrapped)->capabilities().sync_fd);
  const std::string& no_fences = (*wrapped)->capabilities().sync_fd_reason;
  if (owner_->capabilities().sync_fd)
    EXPECT_NE(no_fences.find("VK_KHR_external_semaphore_fd"), std::string::npos) << no_fences;
  else
    EXPECT_EQ(no_fences, owner_->capabilities().sync_fd_reason);
  EXPECT_EQ((*wrapped)->fence_bridge({owner_->queue(), {}, {}}).error().message, no_fences);
}

TEST_F(WrapDevice, RefusesMissingHandlesByName) {
  const VulkanHandles good = owner_->handles();
  for (const char* name : {"instance", "physical_device", "device", "get_instance_proc_addr"}) {
    VulkanHandles handles = good;
    const std::string_view which = name;
    if (which == "instance") handles.instance = VK_NULL_HANDLE;
    if (which == "physical_device") handles.physical_device = VK_NULL_HANDLE;
    if (which == "device") handles.device = VK_NULL_HANDLE;
    if (which == "get_instance_proc_addr") handles.get_instance_proc_addr = nullptr;
    const auto refused = wrap_device(handles);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(refused.error().message.find(name), 0u) << refused.error().message;
  }
}

TEST_F(WrapDevice, RefusesAQueueFamilyThatIsNotThere) {
  VulkanHandles handles = owner_->handles();
  handles.queue_family_index = 1000;
  const auto refused = wrap_device(handles);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(refused.error().message.find("1000"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace ferry::platform::test
